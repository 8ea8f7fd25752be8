import { describe } from 'vitest';
import { config } from '../testing.ts';
import { driverContract } from './driver.contract.ts';
import { FakeDriver } from './fake.ts';

describe('the fake driver', () => {
  driverContract(async () => {
    const driver = new FakeDriver();
    driver.broken.add('broken');
    return { driver, lower: '/lower', web: config('web'), broken: config('broken', {}, 1) };
  });
});
