import { LedgerError } from '../../src/errors.ts';
import { bundledPolicy } from '../../src/safety/bundled-policy.ts';
import { bundledVision } from '../../src/safety/bundled-models.ts';
import { type ActivePolicy, activatePolicy } from '../../src/safety/policy.ts';
import { modelContextCheck } from '../../src/safety/model-context-check.ts';
import { askedModel } from '../safety/asked-model.ts';
import { answering, downChecker, harmless, planOf, portsWith, type Ran, run } from './harness.ts';

const bloody = 'a bloody sunset';
const seeing: ActivePolicy = activatePolicy({ ...bundledPolicy, vision: bundledVision });
const active = activatePolicy(bundledPolicy);
const open = activatePolicy({ ...bundledPolicy, on_checker_failure: 'fail_open' });

const moderated = () =>
  Promise.reject(new LedgerError('PROVIDER_MODERATED', { backend: 'openrouter', reasons: ['violence'] }));
const refusingText = { name: 'openrouter', run: moderated };
const guardSaying = (answer: string, policy = active) => ({
  contextCheck: modelContextCheck(policy, askedModel(answer).ask),
});
const fixed = (text: string) => ({ text: answering(text) });

/** Every way in which a decision of the pipeline can end, each as a run: blocks first, then what lets pass. */
export const decidingRuns: Readonly<Record<string, () => Promise<Ran>>> = {
  'stage 1, built-in rules': () => run(planOf('dada', 'Überall Blut an der Wand')),
  'stage 1, a guard': () => run(planOf('dada', bloody), portsWith(guardSaying('unsafe\nS1,S10'))),
  'stage 1, a guard without codes': () => run(planOf('dada', bloody), portsWith(guardSaying('unsafe'))),
  'stage 1, a law list': () => run(planOf('dada', 'Malt ein Hakenkreuz')),
  'stage 1, a law list among adults': () =>
    run(
      planOf('dada', 'Malt ein Hakenkreuz', { safetyLevel: 'adult' }),
      portsWith(guardSaying('unsafe\nL1')),
    ),
  'stage 1, checker down': () => run(planOf('dada', bloody), portsWith({ contextCheck: downChecker })),
  'stage 1, an unreadable answer': () => run(planOf('dada', bloody), portsWith(guardSaying('well …'))),
  'stage 1, a provider': () => run(planOf('dada', harmless), portsWith({ text: refusingText })),
  'stage 3, built-in rules': () =>
    run(planOf('image_comparison', harmless), portsWith(fixed('a horrible creature'))),
  'stage 3, a guard': () =>
    run(planOf('dada', harmless), portsWith({ ...guardSaying('unsafe\nS1'), ...fixed('blood') })),
  'stage 3, checker down': () =>
    run(planOf('dada', harmless), portsWith({ contextCheck: downChecker, ...fixed('blood') })),
  'stage 3, a provider': () =>
    run(
      planOf('dada', harmless),
      portsWith({
        mediaBackendOf: () => ({ name: 'openrouter', generate: moderated }),
      }),
    ),
  'stage 4, what was described': () =>
    run(
      planOf('dada', harmless, { policy: seeing }),
      portsWith({ ask: askedModel('A wall of blood.').ask, ...guardSaying('unsafe\nS1', seeing) }),
    ),
  'stage 4, nothing was described': () =>
    run(planOf('dada', harmless, { policy: seeing }), portsWith({ ask: askedModel(new Error('gone')).ask })),
  'stage 4, a broken description': () =>
    run(
      planOf('dada', harmless, { policy: seeing }),
      portsWith({
        ask: askedModel({ text: 'A meadow and', finishReason: 'length' }).ask,
        ...guardSaying('safe', seeing),
      }),
    ),
  'a look that passed': () =>
    run(
      planOf('dada', harmless, { policy: seeing }),
      portsWith({ ask: askedModel('A meadow.').ask, ...guardSaying('safe', seeing) }),
    ),
  'nothing found': () => run(planOf('dada', harmless)),
  'found and harmless by the rules': () => run(planOf('dada', 'a blood orange and no blood')),
  'found and harmless by a guard': () => run(planOf('dada', bloody), portsWith(guardSaying('safe'))),
  'stage 1, an unknown code': () =>
    run(
      planOf('passthrough', 'cutting myself', { safetyLevel: 'adult' }),
      portsWith(guardSaying('unsafe\nS99')),
    ),
  'fail open': () => run(planOf('dada', bloody, { policy: open }), portsWith({ contextCheck: downChecker })),
  'level research': () => run(planOf('passthrough', 'A bloody zombie', { safetyLevel: 'research' })),
};
