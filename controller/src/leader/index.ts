export { DECIDE_MS, LEASE_MS, Leadership, RENEW_MS, type LeadershipPorts } from './leadership.ts';
