import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import type { InfoReply } from '../../engine/embedded/protocol.ts';

/** The name that the jobs' ids end with. */
export async function serverName(env: Env): Promise<string> {
  return (await request<InfoReply>(env, { op: 'info' })).server;
}
