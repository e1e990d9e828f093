// SPDX-License-Identifier: Apache-2.0
// Slack's own receiver (@slack/bolt HTTPReceiver) on the port of argv[2]; prints "ready", then every event that it let
// through: "event TYPE TEXT".
import { require } from './peers.mjs';

const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');

const receiver = new HTTPReceiver({
  signingSecret: process.argv[3],
  endpoints: ['/slack/events'],
  logLevel: LogLevel.ERROR,
});
const app = new App({
  receiver,
  logLevel: LogLevel.ERROR,
  ignoreSelf: false,
  authorize: async () => ({ botToken: 'xoxb-sandbox', botId: 'B0BOT', botUserId: 'U0BOT' }),
});
app.use(async ({ body, next }) => {
  console.log(`event ${body.event.type} ${body.event.text}`);
  await next();
});
app.error(async (error) => console.log(`error ${error.code} ${error.message}`));
await app.start({ port: Number(process.argv[2]), host: '127.0.0.1' });
console.log('ready');
