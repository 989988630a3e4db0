// Starts the real program on a data folder of its own, and ends it by its process id.
import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const target = process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, '..', 'target');
export const program = join(target, 'debug', 'bootwright');

export const password = 'correct horse battery';
export type Role = 'viewer' | 'developer' | 'approver' | 'administrator';

export class Server {
  private constructor(
    readonly dataDir: string,
    readonly dashboard: string,
    readonly boot: string,
    readonly welcome: string | undefined,
    private readonly process: ChildProcess,
  ) {}

  static async start(options: { dataDir?: string; people?: Record<string, Role> } = {}): Promise<Server> {
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'bootwright-e2e-'));
    // The server becomes a system user before it opens anything below.
    chmodSync(tmpdir(), 0o1777);
    for (const [name, role] of Object.entries(options.people ?? {})) {
      execFileSync(
        program,
        ['admin', 'create-user', name, '--role', role, '--password-stdin', '--data-dir', dataDir],
        { input: `${password}\n` },
      );
    }
    const child = spawn(
      program,
      [
        'serve',
        '--data-dir', dataDir,
        '--listen', '127.0.0.1:0',
        '--boot-listen', '127.0.0.1:0',
        '--cache-dir', '/var/cache/bootwright-test/cache',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const output = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout!.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const complete = options.people || options.dataDir ? /menu\.ipxe\n/ : /welcome\/\S+\n/;
        if (complete.test(text)) resolve(text);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it served`)));
    });
    const find = (pattern: RegExp) => output.match(pattern)?.[1];
    return new Server(
      dataDir,
      find(/Dashboard:\s+(\S+)/)!,
      find(/Boot listener:\s+(http:\/\/[^/]+)/)!,
      find(/First sign-in:\s+(\S+)/),
      child,
    );
  }

  /** Ends the server as its service manager would, and waits for it. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
