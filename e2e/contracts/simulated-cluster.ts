/** A whole cluster in memory: real controllers and agents, fake nodes, fake KV, time that moves when told. */
import { runClusterNode } from '@volt/agent/cluster';
import { FakeImages, FakeLedgerFile, FakeWorkloads, silentLog } from '@volt/agent/cluster/testing';
import { Cluster, Sightings } from '@volt/controller/cluster';
import { runController } from '@volt/controller/reconcilers';
import { WorkloadSpec, type WorkloadSpecInput } from '@volt/shared/model';
import { aNode, FakeKv, FakeKvStore, SimClock } from '@volt/shared/kv/testing';

/** Longer than on a real network, so that things overlap. */
const KV_MS = 15;
const CONTAINER_MS = 700;
const DIGEST = 'd'.repeat(64);

/** What runs, stops and comes back as a power switch would do it. */
class Program {
  #stop: AbortController | undefined;
  #done: Promise<void> = Promise.resolve();
  readonly #start: (signal: AbortSignal) => Promise<void>;

  constructor(start: (signal: AbortSignal) => Promise<void>) {
    this.#start = start;
  }

  get isUp(): boolean {
    return this.#stop !== undefined;
  }

  on(): void {
    if (this.#stop !== undefined) return;
    this.#stop = new AbortController();
    this.#done = this.#start(this.#stop.signal);
  }

  /** Does not wait: somebody has to move the clock for the program to end. */
  off(): void {
    this.#stop?.abort();
    this.#stop = undefined;
  }

  ended(): Promise<void> {
    return this.#done;
  }
}

export class SimulatedNode {
  readonly name: string;
  readonly kv: FakeKv;
  readonly workloads = new FakeWorkloads();
  readonly images = new FakeImages();
  readonly ledgerFile = new FakeLedgerFile();
  readonly agent: Program;

  constructor(name: string, store: FakeKvStore, clock: SimClock) {
    this.name = name;
    this.kv = new FakeKv(store);
    const { kv, workloads, images, ledgerFile } = this;
    const never = new AbortController().signal;
    kv.latency = () => clock.sleep(KV_MS, never);
    workloads.latency = () => clock.sleep(CONTAINER_MS, never);
    const facts = async () => aNode(name, { roles: ['agent', 'controller'] });
    const deadMan = { renewed: async () => {} };
    const ports = { node: name, bootId: 'b', kv, clock, workloads, images, ledgerFile, facts, deadMan, log: silentLog };
    this.agent = new Program((signal) => runClusterNode(ports, signal));
  }

  /** The machine is off: nothing runs, and what was in memory is lost. */
  losePower(): void {
    this.agent.off();
    this.kv.isAway = true;
    for (const instance of this.workloads.containers.keys()) this.workloads.set(instance, 'stopped');
  }

  /** Back with its disk. Containers that are not exclusive start by themselves, as their units say. */
  boot(): void {
    this.kv.isAway = false;
    for (const { instance, exclusive } of this.workloads.containers.values()) {
      if (!exclusive) this.workloads.set(instance, 'running');
    }
    this.agent.on();
  }
}

export class SimulatedController {
  readonly kv: FakeKv;
  readonly program: Program;
  readonly api: Cluster;

  constructor(name: string, store: FakeKvStore, clock: SimClock) {
    this.kv = new FakeKv(store);
    this.kv.latency = () => clock.sleep(KV_MS, new AbortController().signal);
    const sightings = new Sightings();
    let session = 0;
    this.program = new Program((signal) => {
      session += 1;
      const ports = {
        node: name,
        session: `${name}-${session}`,
        kv: this.kv,
        buckets: this.kv,
        isGrown: async () => true,
        clock,
        sightings,
      };
      return runController({ ...ports, log: silentLog }, signal);
    });
    const resolveImage = async () => ({ manifest: DIGEST, tree: DIGEST });
    this.api = new Cluster({ kv: this.kv, buckets: this.kv, clock, sightings, resolveImage });
  }
}

export class SimulatedCluster {
  readonly store = new FakeKvStore();
  readonly clock = new SimClock();
  readonly nodes: SimulatedNode[];
  readonly controllers: SimulatedController[];

  constructor(nodes: number, controllers = 3) {
    const names = Array.from({ length: nodes }, (_, index) => `node${index + 1}`);
    this.nodes = names.map((name) => new SimulatedNode(name, this.store, this.clock));
    this.controllers = names.slice(0, controllers).map((name) => new SimulatedController(name, this.store, this.clock));
  }

  async start(): Promise<void> {
    for (const { program } of this.controllers) program.on();
    for (const { agent } of this.nodes) agent.on();
    await this.clock.advance(10_000);
  }

  async stop(): Promise<void> {
    for (const { program } of this.controllers) program.off();
    for (const { agent } of this.nodes) agent.off();
    await this.clock.advance(60_000);
    await Promise.all(this.controllers.map(({ program }) => program.ended()));
    await Promise.all(this.nodes.map(({ agent }) => agent.ended()));
  }

  /** Through a controller that is not cut off. */
  async apply(spec: WorkloadSpecInput): Promise<void> {
    const { api } = this.controllers.find(({ kv }) => !kv.isAway && !kv.losesAnswers && !kv.holdsWrites)!;
    await this.during(api.applyWorkloads([WorkloadSpec.parse(spec)]));
  }

  /** Lets time pass until a call is answered. */
  async during<T>(call: Promise<T>): Promise<T> {
    const over = new AbortController();
    const answer = call.finally(() => over.abort());
    answer.catch(() => {});
    while (!over.signal.aborted) await this.clock.advance(5);
    return answer;
  }

  /** The nodes on which an instance runs. */
  running(instance: string): string[] {
    return this.nodes
      .filter(({ workloads }) => workloads.containers.get(instance)?.state === 'running')
      .map(({ name }) => name);
  }

  /** Advances until it is so, and answers after how many seconds. */
  async until(isSo: () => boolean, secondsMax: number): Promise<number> {
    for (let tenths = 0; tenths <= secondsMax * 10; tenths += 1) {
      if (isSo()) return tenths / 10;
      await this.clock.advance(100);
    }
    throw new Error(`Not so after ${secondsMax} simulated seconds`);
  }
}
