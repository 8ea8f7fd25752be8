export { HealthBook } from './book.ts';
export { HealthMonitor } from './monitor.ts';
