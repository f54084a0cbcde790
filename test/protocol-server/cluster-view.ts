import { randomUUID } from 'node:crypto';
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type Reception, sufferDelay } from './call.ts';
import type { Endpoint } from './refusal.ts';

/** A node as the others see it. */
export type Member = Endpoint & {
  readonly state: 'leader' | 'follower' | 'unknown';
  readonly isAlive: boolean;
};

const instanceIds = new Map<number, string>();

/** Gossip.Read: who is in the cluster. */
export function createGossip(
  reception: Reception,
  members: () => readonly Member[],
): handleUnaryCall<Empty, ClusterInfo> {
  return (wire, answer) => {
    void reception
      .serve('gossip', wire, async (call) => {
        await sufferDelay(call);
        answer(null, new gossip.ClusterInfo().setMembersList(members().map(infoOf)));
      })
      .then(
        (refusal) => refusal !== null && answer(refusal),
        (error: Error) => answer(error),
      );
  };
}

function infoOf({ host, port, state, isAlive }: Member) {
  const { VNodeState } = gossip.MemberInfo;
  const states = {
    leader: VNodeState.LEADER,
    follower: VNodeState.FOLLOWER,
    unknown: VNodeState.UNKNOWN,
  } as const;
  const id = instanceIds.get(port) ?? randomUUID();
  instanceIds.set(port, id);
  return new gossip.MemberInfo()
    .setInstanceId(new shared.UUID().setString(id))
    .setTimeStamp('17000000000000000')
    .setState(states[state])
    .setIsAlive(isAlive)
    .setHttpEndPoint(new gossip.EndPoint().setAddress(host).setPort(port));
}
