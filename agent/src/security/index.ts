export { bootCapabilities, capabilityMask, otherCapabilities } from './capabilities.ts';
export { enforced, policyArguments, missing, policyOf, requireEnforceable } from './policy.ts';
