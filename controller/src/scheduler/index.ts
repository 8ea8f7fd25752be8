export { plan, STEPS_PER_PLAN_MAX, works } from './plan.ts';
export {
  indexOf,
  instanceName,
  workloadOf,
  type AssignmentView,
  type NodeView,
  type Snapshot,
  type Step,
} from './snapshot.ts';
