// SPDX-License-Identifier: Apache-2.0
// The ACP SDK's own client connection drives an agent: argv[2] is "sandbox" or "example", then the command. Every
// frame in both directions is validated against the SDK's JSON schema.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { check, finish, inModules, load, require } from './peers.mjs';

const acp = await load('@agentclientprotocol/sdk/dist/acp.js');
const Ajv = require('ajv/dist/2020').default;
const schema = require(inModules('@agentclientprotocol/sdk/schema/schema.json'));
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(schema, 'acp');
const validator = (name) => ajv.getSchema(`acp#/$defs/${name}`) ?? ajv.compile({ $ref: `acp#/$defs/${name}` });

const params = {
  initialize: 'InitializeRequest', 'session/new': 'NewSessionRequest', 'session/load': 'LoadSessionRequest',
  'session/prompt': 'PromptRequest', 'session/cancel': 'CancelNotification', 'session/update': 'SessionNotification',
  'session/request_permission': 'RequestPermissionRequest', 'fs/read_text_file': 'ReadTextFileRequest',
};
const results = {
  initialize: 'InitializeResponse', 'session/new': 'NewSessionResponse', 'session/load': 'LoadSessionResponse',
  'session/prompt': 'PromptResponse', 'session/request_permission': 'RequestPermissionResponse',
  'fs/read_text_file': 'ReadTextFileResponse',
};
const frames = { agent: 0, client: 0 };
const kinds = new Set();
const asked = { agent: new Map(), client: new Map() };

function validate(from, frame) {
  frames[from] += 1;
  const other = from === 'agent' ? 'client' : 'agent';
  const whole = validator(`${from === 'agent' ? 'Agent' : 'Client'}${frame.method === undefined ? 'Response' : frame.id === undefined ? 'Notification' : 'Request'}`);
  const problems = [];
  if (frame.jsonrpc !== '2.0') problems.push('jsonrpc');
  if (!whole(frame)) problems.push(whole.errors);
  let part;
  if (frame.method !== undefined) {
    part = params[frame.method];
    if (frame.id !== undefined) asked[from].set(frame.id, frame.method);
    if (frame.method === 'session/update') kinds.add(frame.params.update.sessionUpdate);
    if (part === undefined) problems.push(`unexpected method ${frame.method}`);
    else if (!validator(part)(frame.params)) problems.push(validator(part).errors);
  } else if (frame.error === undefined) {
    part = results[asked[other].get(frame.id)];
    if (part === undefined) problems.push('answer to nothing');
    else if (!validator(part)(frame.result)) problems.push(validator(part).errors);
  } else if (!validator('Error')(frame.error)) {
    problems.push(validator('Error').errors);
  }
  if (problems.length > 0) check(`valid ${from} frame`, false, { frame, problems });
}

const [mode, program, ...rest] = process.argv.slice(2);
const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
const exited = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
const stream = {
  readable: new ReadableStream({
    start(controller) {
      const lines = createInterface({ input: child.stdout });
      lines.on('line', (line) => {
        const frame = JSON.parse(line);
        validate('agent', frame);
        controller.enqueue(frame);
      });
      lines.on('close', () => controller.close());
    },
  }),
  writable: new WritableStream({
    write(frame) {
      validate('client', frame);
      child.stdin.write(`${JSON.stringify(frame)}\n`);
    },
  }),
};

let text = '';
let permissions = 0;
const updates = [];
const connection = new acp.ClientSideConnection(() => ({
  async sessionUpdate({ update }) {
    updates.push(update);
    if (update.sessionUpdate === 'agent_message_chunk') text += update.content.text;
  },
  async requestPermission({ options }) {
    permissions += 1;
    return { outcome: { outcome: 'selected', optionId: options.find((o) => o.kind === 'allow_once').optionId } };
  },
  async readTextFile() {
    throw acp.RequestError.methodNotFound('fs/read_text_file');
  },
}), stream);

async function say(sessionId, words) {
  text = '';
  return connection.prompt({ sessionId, prompt: [{ type: 'text', text: words }] });
}

const agent = await connection.initialize({ protocolVersion: acp.PROTOCOL_VERSION, clientCapabilities: {} });
check('the agent speaks version 1', agent.protocolVersion === 1, agent);
const { sessionId } = await connection.newSession({ cwd: '/tmp', mcpServers: [] });
check('a session has an id', typeof sessionId === 'string' && sessionId.length > 0, sessionId);

if (mode === 'example') {
  const turn = await say(sessionId, 'hello');
  check('the turn ends', turn.stopReason === 'end_turn', turn);
  check('one permission was asked for', permissions === 1, permissions);
} else {
  check('echo answers', (await say(sessionId, 'hello')).stopReason === 'end_turn' && text === 'You said: hello', text);
  await say(sessionId, 'plan thought tool ask well');
  check('a permission was given', permissions === 1 && text.startsWith('Permission given (allow_once)'), text);
  check('a long answer is complete', (await say(sessionId, 'long 5000')).stopReason === 'end_turn' && text.length === 5000, text.length);
  check('unknown goes on after its refusal', (await say(sessionId, 'unknown fine')).stopReason === 'end_turn' && text === 'You said: fine', text);
  check('refuse stops so', (await say(sessionId, 'refuse')).stopReason === 'refusal');
  const failure = await say(sessionId, 'fail').catch((error) => error);
  check('fail is an error', failure.code === -32603, failure);
  const mute = say(sessionId, 'mute');
  await connection.cancel({ sessionId });
  check('cancel stops a mute turn', (await mute).stopReason === 'cancelled');
  updates.length = 0;
  await connection.loadSession({ sessionId, cwd: '/tmp', mcpServers: [] });
  check('load replays both sides', updates.some((u) => u.sessionUpdate === 'user_message_chunk') && updates.some((u) => u.sessionUpdate === 'agent_message_chunk'), updates.length);
  const lost = await connection.loadSession({ sessionId: 'nobody', cwd: '/tmp', mcpServers: [] }).catch((error) => error);
  check('an unknown session is an error', lost.code === -32603, lost);
  for (const kind of ['agent_message_chunk', 'agent_thought_chunk', 'plan', 'tool_call', 'tool_call_update']) {
    check(`the agent sent ${kind}`, kinds.has(kind), [...kinds]);
  }
}
child.stdin.end();
check('the agent leaves with its input', (await exited) === 0);
console.log(`${frames.agent} agent frames and ${frames.client} client frames validated`);
check('frames were validated', frames.agent > 5 && frames.client > 2, frames);
finish();
