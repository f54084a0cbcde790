import type { handleUnaryCall } from '@grpc/grpc-js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import { type Reception, sufferDelay } from './call.ts';

/**
 * ServerFeatures.GetSupportedMethods. It promises batch append, as every real server does, so that a client that takes
 * that way is seen to: the double refuses it.
 */
export function createFeatures(
  reception: Reception,
  version: string,
): handleUnaryCall<Empty, SupportedMethods> {
  return (wire, answer) => {
    void reception
      .serve('features', wire, async (call) => {
        await sufferDelay(call);
        answer(null, supportedMethods(version));
      })
      .then(
        (refusal) => refusal !== null && answer(refusal),
        (error: Error) => answer(error),
      );
  };
}

function supportedMethods(version: string): SupportedMethods {
  const streams = ['append', 'batchappend', 'read'].map((name) =>
    method('event_store.client.streams.streams', name, name === 'read' ? ['position', 'events'] : []),
  );
  const others = [
    method('event_store.client.gossip.gossip', 'read', []),
    method('event_store.client.server_features.serverfeatures', 'getsupportedmethods', []),
  ];
  return new features.SupportedMethods()
    .setEventStoreServerVersion(version)
    .setMethodsList([...streams, ...others]);
}

function method(service: string, name: string, has: string[]) {
  return new features.SupportedMethod().setServiceName(service).setMethodName(name).setFeaturesList(has);
}
