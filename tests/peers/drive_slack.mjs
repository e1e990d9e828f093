// SPDX-License-Identifier: Apache-2.0
// Slack's own client (@slack/web-api) against a simulated Slack: argv[2] is its API URL. The channel C1 exists there
// with the person U1; the channel C_LIMITED answers its first post with 429 and Retry-After: 1.
import { check, finish, require } from './peers.mjs';

const { WebClient, ErrorCode } = require('@slack/web-api');
const options = { slackApiUrl: `${process.argv[2]}/`, retryConfig: { retries: 2, minTimeout: 10 } };
const client = new WebClient('xoxb-sandbox', options);

async function errorOf(call) {
  try {
    return { unexpected: await call };
  } catch (error) {
    return { code: error.code, error: error.data?.error, retryAfter: error.retryAfter };
  }
}

const identity = await client.auth.test();
check('auth.test names the bot', identity.ok && identity.user_id === 'U0BOT' && identity.team_id === 'T0SANDBOX', identity);
const stranger = await errorOf(new WebClient('xoxb-stranger', options).auth.test());
check('a foreign token is a platform error', stranger.code === ErrorCode.PlatformError && stranger.error === 'invalid_auth', stranger);

const root = await client.chat.postMessage({ channel: 'C1', text: 'a & b < c', metadata: { event_type: 'reply', event_payload: { outbox_id: 'o-1' } } });
check('postMessage answers channel, ts and message', root.ok && root.channel === 'C1' && root.message.text === 'a &amp; b &lt; c', root);
const reply = await client.chat.postMessage({ channel: 'C1', text: 'reply', thread_ts: root.ts, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'block' } }] });
check('a reply goes into the thread', reply.ok && reply.message.thread_ts === root.ts && reply.ts > root.ts, reply);

const updated = await client.chat.update({ channel: 'C1', ts: reply.ts, text: 'edited' });
check('update answers the new text', updated.ok && updated.text === 'edited', updated);
const tooLong = await errorOf(client.chat.update({ channel: 'C1', ts: reply.ts, text: 'x'.repeat(4001) }));
check('a long update is refused', tooLong.error === 'msg_too_long', tooLong);

await client.reactions.add({ channel: 'C1', timestamp: root.ts, name: 'eyes' });
const again = await errorOf(client.reactions.add({ channel: 'C1', timestamp: root.ts, name: 'eyes' }));
check('a second reaction is already there', again.error === 'already_reacted', again);

const hidden = await client.conversations.replies({ channel: 'C1', ts: root.ts });
check('replies lists root and reply', hidden.messages.length === 2 && hidden.messages[0].reactions[0].name === 'eyes', hidden);
check('metadata payload is hidden by default', hidden.messages[0].metadata?.event_payload === undefined, hidden.messages[0]);
const shown = await client.conversations.replies({ channel: 'C1', ts: root.ts, include_all_metadata: true });
check('metadata is shown on request', shown.messages[0].metadata.event_payload.outbox_id === 'o-1', shown.messages[0]);

await client.reactions.remove({ channel: 'C1', timestamp: root.ts, name: 'eyes' });
const none = await errorOf(client.reactions.remove({ channel: 'C1', timestamp: root.ts, name: 'eyes' }));
check('a removed reaction is gone', none.error === 'no_reaction', none);
await client.chat.delete({ channel: 'C1', ts: reply.ts });
const gone = await errorOf(client.chat.delete({ channel: 'C1', ts: reply.ts }));
check('a deleted message is gone', gone.error === 'message_not_found', gone);
const nowhere = await errorOf(client.chat.postMessage({ channel: 'C404', text: 'x' }));
check('an unknown channel is a platform error', nowhere.code === ErrorCode.PlatformError && nowhere.error === 'channel_not_found', nowhere);

const im = await client.conversations.open({ users: 'U1' });
check('conversations.open answers a DM', im.channel.id.startsWith('D'), im);
const ephemeral = await client.chat.postEphemeral({ channel: 'C1', user: 'U1', text: 'psst' });
check('postEphemeral answers message_ts', typeof ephemeral.message_ts === 'string', ephemeral);

const pages = [];
for (let i = 0; i < 3; i += 1) await client.chat.postMessage({ channel: 'C1', text: `page ${i}` });
for await (const page of client.paginate('conversations.history', { channel: 'C1', limit: 2 })) pages.push(...page.messages);
check('history is paged by cursor', pages.length === 4 && pages[0].text === 'page 2', pages.map((m) => m.text));

const before = Date.now();
const limited = await client.chat.postMessage({ channel: 'C_LIMITED', text: 'patient' });
check('429 is retried after its wait', limited.ok && Date.now() - before >= 950, { waited: Date.now() - before });
finish();
