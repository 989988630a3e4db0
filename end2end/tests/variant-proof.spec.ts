// A variant with everything of a day's experiment, by clicking: packages, a file, a playbook and another kernel
// are composed, built, and looked for in a real guest, while production serves the same bytes as before.
// The guest lives on: guest.spec.ts goes on with it.
import { createHash } from 'node:crypto';
import type { Page } from '@playwright/test';
import { aBoot, aBuild, expect, jobSucceeds, live, openPart, screen, signIn, test, type } from '../fixtures';

test.describe.configure({ mode: 'serial' });

const drawn = () => 1000 + Math.floor(Math.random() * 9000);
/** What stands in the file that the variant writes. */
const word = `a word of ${drawn()}`;
const playbook = `- hosts: all
  tasks:
    - name: Say who played
      ansible.builtin.copy:
        content: "played on {{ ansible_distribution }}, ${drawn()}\\n"
        dest: /etc/played
`;

/** What machines get from production: the menu, and the digest of each file that it names. */
async function production(boot: string): Promise<string> {
  const menu = await (await fetch(`${boot}/menu.ipxe`)).text();
  const files = new Set(menu.match(/http:\/\/[^\s,]+/g));
  expect(files.size, 'a kernel, an initrd and an image').toBeGreaterThanOrEqual(3);
  const digests = [];
  for (const file of files) {
    const answer = await fetch(file);
    expect(answer.ok, file).toBe(true);
    const bytes = Buffer.from(await answer.arrayBuffer());
    digests.push(`${file} ${createHash('sha256').update(bytes).digest('hex')}`);
  }
  return [menu, ...digests].join('\n');
}

/** Types a command and waits until its answer stands on the screen. */
async function answers(page: Page, command: string, answer: string): Promise<void> {
  await type(page, command);
  await expect(screen(page)).toContainText(answer, { timeout: 60_000 });
}

let before: string;

test('it is composed and built', async ({ context, server }) => {
  test.setTimeout(aBuild + 60_000);
  before = await production(server.boot);
  const page = await signIn(context, 'dennis');
  await page.goto('/releases/v1.0.0');
  await page.getByRole('link', { name: 'Make a variant of it' }).click();
  await live(page);
  await page.getByLabel('Name', { exact: true }).fill('proof');
  await page.getByLabel('What is it for?').fill('Everything at once');
  await page.getByLabel('Packages to add').fill('tree\npython3');
  await openPart(page, 'kernels');
  await page.getByRole('button', { name: 'Add a kernel' }).click();
  await page.getByLabel('Alias').fill('vmlinuz-6.1.y');
  await page.getByLabel('Package', { exact: true }).fill('linux-image-amd64');
  await openPart(page, 'files');
  await page.getByRole('button', { name: 'Add a file' }).click();
  await page.getByLabel('Path').fill('/etc/proof');
  await page.getByLabel('Content').fill(`${word}\n`);
  await openPart(page, 'system');
  await page.getByLabel('Host name').fill('proof');
  await openPart(page, 'playbook');
  await page.getByLabel('Playbook', { exact: true }).fill(playbook);
  await page.getByRole('button', { name: 'Save and build' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Variant proof');
  await jobSucceeds(page, aBuild);
});

test('a guest has all of it, and only one person types', async ({ context, browser, server, complaints }) => {
  test.setTimeout(aBoot);
  // Violations of the page's policy are complaints, and so the test fails on them.
  const dennis = await signIn(context, 'dennis');
  await dennis.goto('/variants/proof');
  const said = await dennis.getByText(/^vmlinuz-6\.1\.y is \d/).innerText();
  const kernel = said.replace('vmlinuz-6.1.y is ', '');
  expect(kernel).toMatch(/^6\.1\.\S+-amd64$/);
  expect(kernel, 'that of the release is another').not.toContain('cloud');
  await dennis.getByRole('button', { name: 'Boot in a VM' }).click();
  await expect(dennis.getByRole('heading', { level: 1 })).toHaveText('proof in a VM');
  await expect(dennis.locator('[data-terminal]')).toBeAttached();
  await live(dennis);

  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const grace = await signIn(theirs, 'grace');
  complaints.watch(grace);
  await grace.goto(dennis.url());
  await expect(grace.locator('[data-status]')).toHaveText('dennis types; you watch.');

  await expect(screen(dennis)).toContainText('proof login:', { timeout: aBoot });
  await answers(dennis, 'root', 'Password:');
  await answers(dennis, 'debian', 'root@proof:~#');
  const [a, b] = [drawn(), drawn()];
  await answers(dennis, `echo "=$((${a} + ${b}))="`, `=${a + b}=`);
  await expect(screen(grace), 'the other sees it').toContainText(`=${a + b}=`);

  await answers(dennis, 'echo "=$(uname -r)="', `=${kernel}=`);
  await answers(dennis, "dpkg-query -W -f '=${Package}:${db:Status-Status}=' tree python3", '=tree:installed=');
  await expect(screen(dennis)).toContainText('=python3:installed=');
  await answers(dennis, 'echo "=$(cat /etc/proof)="', `=${word}=`);
  const played = playbook.match(/played on .*, (\d+)/)?.[1];
  await answers(dennis, 'echo "=$(cat /etc/played)="', `=played on Debian, ${played}=`);

  // Whoever watches cannot type, whatever the page does: the socket is asked past it.
  await type(grace, 'echo grace-typed');
  const refused = await grace.evaluate(async () => {
    const part = document.querySelector<HTMLElement>('[data-socket]');
    const socket = new WebSocket(new URL(part?.dataset.socket ?? '', location.href.replace('http', 'ws')));
    return new Promise<string>((resolve) => {
      socket.onopen = () => socket.send(new TextEncoder().encode('echo grace-typed\r'));
      socket.onmessage = ({ data }) => {
        if (typeof data === 'string' && data.includes('refused')) resolve(data);
      };
    });
  });
  expect(refused).toContain('dennis has the keyboard');
  await answers(dennis, 'echo "=$((6 * 7))="', '=42=');
  await expect(screen(dennis)).not.toContainText('grace-typed');
  await theirs.close();
  expect(await production(server.boot), 'production serves the same bytes').toBe(before);
});
