// SPDX-License-Identifier: Apache-2.0
// Slack's own verifier (@slack/bolt) reads one request per line of stdin: {"secret","timestamp","signature","body"
// (base64),"now" (ms)}. Answers "accepted" or "refused: why" for each.
import { createInterface } from 'node:readline';
import { require } from './peers.mjs';

const { verifySlackRequest } = require('@slack/bolt');

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    verifySlackRequest({
      signingSecret: request.secret,
      body: Buffer.from(request.body, 'base64').toString('utf8'),
      headers: {
        'x-slack-signature': request.signature,
        'x-slack-request-timestamp': Number(request.timestamp),
      },
      nowMilliseconds: request.now ?? Date.now(),
    });
    console.log('accepted');
  } catch (error) {
    console.log(`refused: ${error.message}`);
  }
}
