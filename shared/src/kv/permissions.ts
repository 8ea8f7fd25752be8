/**
 * What each role may say and hear on NATS. Pure, so that whoever writes the
 * server's configuration and whoever reads it in a review see one list.
 *
 * A node gets no right to create consumers, although reading would be easier
 * with one: the server delivers a consumer's messages to any subject the
 * consumer names, other nodes' keys included.
 */
import { bucketNames, buckets, doorbellOf, streamOf, subjectOf, type BucketName } from './buckets.ts';

export type ClusterRole = 'node' | 'controller';

/** Allow lists; what is not in them is refused. */
export interface SubjectPermissions {
  readonly publish: string[];
  readonly subscribe: string[];
}

/** Replies come to this prefix, so that nobody can listen to another's. */
export const inboxPrefix = (role: ClusterRole, node: string): string => `_INBOX.${role}.${node}`;

export function permissionsFor(role: ClusterRole, node: string): SubjectPermissions {
  return role === 'node' ? nodePermissions(node) : controllerPermissions(node);
}

function nodePermissions(node: string): SubjectPermissions {
  const publish: string[] = [];
  const subscribe = [`${inboxPrefix('node', node)}.>`];
  for (const name of bucketNames) {
    const { writer, nodesRead } = buckets[name];
    if (writer === 'node') publish.push(subjectOf(name, ownKeys(name, node)));
    if (nodesRead === 'none') continue;
    const keys = nodesRead === 'own' ? ownKeys(name, node) : '>';
    publish.push(
      `$JS.API.STREAM.INFO.${streamOf(name)}`,
      `$JS.API.DIRECT.GET.${streamOf(name)}.${subjectOf(name, keys)}`,
    );
    // The lease must be read from the stream's leader: a replica that is behind could hide a newer leader.
    if (name === 'leases') publish.push(`$JS.API.STREAM.MSG.GET.${streamOf(name)}`);
    subscribe.push(doorbellOf(name, keys));
  }
  return { publish, subscribe };
}

function controllerPermissions(node: string): SubjectPermissions {
  const publish: string[] = [];
  const subscribe = [`${inboxPrefix('controller', node)}.>`];
  for (const name of bucketNames) {
    const stream = streamOf(name);
    // What a node wrote is forgotten by a controller, when the node is taken out.
    publish.push(subjectOf(name, '>'));
    publish.push(
      ...['INFO', 'CREATE', 'UPDATE', 'PURGE', 'MSG.GET'].map((call) => `$JS.API.STREAM.${call}.${stream}`),
      ...['CREATE', 'MSG.NEXT', 'DELETE'].map((call) => `$JS.API.CONSUMER.${call}.${stream}.>`),
    );
    subscribe.push(doorbellOf(name, '>'));
  }
  return { publish, subscribe };
}

/** The part of a bucket that belongs to one node. */
function ownKeys(name: BucketName, node: string): string {
  return buckets[name].key === '<node>' ? node : `${node}.>`;
}
