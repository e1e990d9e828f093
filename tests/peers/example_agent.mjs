// SPDX-License-Identifier: Apache-2.0
// The ACP SDK's example agent on stdin and stdout. Node 18 has no global `crypto`, which the example uses; remove this
// wrapper when the oldest supported node is 20.
import { webcrypto } from 'node:crypto';
import { load } from './peers.mjs';

globalThis.crypto ??= webcrypto;
await load('@agentclientprotocol/sdk/dist/examples/agent.js');
