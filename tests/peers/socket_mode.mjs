// SPDX-License-Identifier: Apache-2.0
// Slack's own Socket Mode client (@slack/socket-mode) against a simulated Slack: argv[2] is its API URL. Prints
// "connected" at each greeting and what comes in, acknowledges it, and stops when it is told "stop" as an event.
import { check, finish, require } from './peers.mjs';

const { SocketModeClient, LogLevel } = require('@slack/socket-mode');

const options = {
  appToken: 'xapp-sandbox',
  logLevel: LogLevel.ERROR,
  clientPingTimeout: 3000,
  clientOptions: { slackApiUrl: `${process.argv[2]}/`, retryConfig: { retries: 1, minTimeout: 10 } },
};
const client = new SocketModeClient(options);
let connections = 0;
client.on('connected', () => {
  connections += 1;
  console.log(`connected ${connections}`);
});
client.on('error', (error) => console.log(`error ${error.message}`));
client.on('app_mention', async ({ ack, body, event, retry_num: attempt }) => {
  check('an event has its envelope', body.team_id === 'T0SANDBOX' && body.event_id.startsWith('Ev') && attempt === 0, body);
  await ack();
  console.log(`event ${event.text}`);
  if (event.text.includes('stop')) {
    await client.disconnect();
    finish();
  }
});
client.on('slash_commands', async ({ ack, body }) => {
  check('a command has its fields', body.command === '/signalbox' && body.channel_id === 'C1', body);
  await ack({ text: `answer to ${body.text}` });
});
client.on('interactive', async ({ ack, body }) => {
  check('a click has its payload', body.type === 'block_actions' && body.actions[0].value === 'v1', body);
  await ack();
});
await client.start();
