// Starts the real program on a data folder of its own for all tests, and ends it by its process id.
// With BOOTWRIGHT_DASHBOARD, BOOTWRIGHT_BOOT and BOOTWRIGHT_DATA a server that runs already is taken.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const target = process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, '..', 'target');
const program = join(target, 'debug', 'bootwright');

/** The server of the tests. */
export type Running = {
  /** Where the dashboard is. */
  dashboard: string;
  /** Where machines boot from. */
  boot: string;
  /** The one-time link of the first administrator. */
  welcome: string;
  /** What `bootwright audit verify` says of this installation. */
  verifyAudit: () => string;
};

/** The server that the set-up started, as its environment tells the tests. */
export function running(): Running {
  const told = (name: string) => process.env[name] ?? '';
  return {
    dashboard: told('BOOTWRIGHT_DASHBOARD'),
    boot: told('BOOTWRIGHT_BOOT'),
    welcome: told('BOOTWRIGHT_WELCOME'),
    verifyAudit: () =>
      execFileSync(program, ['audit', 'verify', '--data-dir', told('BOOTWRIGHT_DATA')]).toString(),
  };
}

/** Starts a new installation: nobody can sign in, there is no recipe. Gives what ends it. */
export default async function start(): Promise<() => Promise<void>> {
  if (process.env.BOOTWRIGHT_DASHBOARD) return async () => {};
  const folder = mkdtempSync(join(tmpdir(), 'bootwright-end2end-'));
  // The server becomes a system user before it opens anything below.
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const child = spawn(
    program,
    [
      'serve',
      '--data-dir', data,
      '--listen', '127.0.0.1:0',
      '--boot-listen', '127.0.0.1:0', '--nfs-listen', '127.0.0.1:0',
      '--cache-dir', '/var/cache/bootwright-test/cache',
      '--log', 'warn',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const output = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (/welcome\/\S+\n/.test(text)) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it served`)));
  });
  const told = (pattern: RegExp) => output.match(pattern)?.[1] ?? '';
  process.env.BOOTWRIGHT_DASHBOARD = told(/Dashboard:\s+(\S+)/);
  process.env.BOOTWRIGHT_BOOT = told(/Boot listener:\s+(http:\/\/[^/]+)/);
  process.env.BOOTWRIGHT_WELCOME = told(/First sign-in:\s+(\S+)/);
  process.env.BOOTWRIGHT_DATA = data;
  return async () => {
    // As a service manager would.
    if (child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
}
