// A machine of the lab by clicking: it asks for something to boot, is accepted, locked, pinned to a release, boots it,
// and is let go; what the boot listener answers follows at once. On what the whole way left behind.
import { spawn } from 'node:child_process';

import { expect, signIn, test } from '../fixtures';

const mac = '52:54:00:ab:cd:01';

/** Switches a machine on that boots from the network, and gives what switches it off. */
function switchedOn(boot: string): () => void {
  // The host, as QEMU's own network calls it.
  const script = `http://10.0.2.2:${new URL(boot).port}/boot.ipxe`;
  const machine = spawn(
    'qemu-system-x86_64',
    [
      '-nodefaults', '-no-user-config', '-machine', 'pc,graphics=off,accel=tcg', '-cpu', 'qemu64', '-m', '1024',
      '-display', 'none', '-serial', 'null', '-boot', 'n', '-device', 'virtio-rng-pci',
      '-netdev', `user,id=net0,bootfile=${script}`, '-device', `virtio-net-pci,netdev=net0,mac=${mac}`,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return () => machine.kill();
}

test('a machine turns up, is accepted, locked, pinned, boots and is let go', async ({ context, server, complaints }) => {
  test.setTimeout(360_000);
  // The page of the name under which it turned up may look once more before it is left.
  complaints.announce(404);
  const text = async (path: string) => (await fetch(`${server.boot}${path}`)).text();
  const script = () => text(`/ipxe?mac=${mac}`);
  /** The digests of the releases whose files a script names. */
  const releases = (script: string) => [...new Set(script.match(/[0-9a-f]{64}/g))].sort();
  await script();

  const page = await signIn(context, 'dennis');
  await page.goto('/machines');
  await page.getByRole('link', { name: 'Look at what turned up' }).click();
  await page.getByRole('link', { name: 'machine-525400abcd01' }).click();
  await page.getByLabel('Name', { exact: true }).fill('nuc-7');
  await page.getByLabel('Labels').fill('rack=3 role=build');
  await page.getByLabel('Location').fill('lab 2, shelf 4');
  await page.getByRole('button', { name: 'Accept' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('nuc-7');
  await expect(page.getByText('by default')).toBeVisible();

  // It follows production, so a developer says first who has it.
  await expect(page.getByRole('button', { name: 'Assign' })).toBeDisabled();
  await page.getByText('Lock it…').click();
  await page.getByLabel('What for').fill('bisect a panic');
  await page.getByRole('button', { name: 'Lock', exact: true }).click();
  await expect(page.getByText('dennis has it for: bisect a panic')).toBeVisible();
  await page.getByLabel('Let it boot').selectOption('release v1.0.0');
  await page.getByRole('button', { name: 'Assign' }).click();
  await expect(page.getByText('(assigned)')).toBeVisible();
  const pinned = await text('/release/v1.0.0/menu.ipxe');
  expect(releases(pinned)).not.toEqual([]);
  expect(releases(await script())).toEqual(releases(pinned));

  // The page tells by itself how far the machine is.
  const boot = page.getByRole('region', { name: 'Last boots of this machine' });
  const off = switchedOn(server.boot);
  try {
    await expect(boot.getByRole('row', { name: /nuc-7/ })).toContainText('v1.0.0', { timeout: 120_000 });
    await expect(boot.getByRole('row', { name: /nuc-7/ })).toContainText('somebody can log in', { timeout: 180_000 });
  } finally {
    off();
  }
  await expect(page.getByText('as it should')).toBeVisible();
  await boot.getByRole('link', { name: 'nuc-7' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Boot of nuc-7');
  const stages = page.getByRole('region', { name: 'Boot stages' }).getByRole('row');
  for (const stage of ['script', 'kernel', 'initrd', 'start', 'rootfs', 'init', 'services']) {
    const row = stages.filter({ has: page.getByRole('cell', { name: stage, exact: true }) });
    await expect(row).not.toContainText(/not observed|not seen/);
  }
  await expect(page.getByRole('region', { name: 'What the machine was sent' })).toContainText('rootfs.squashfs');
  await page.getByRole('link', { name: 'nuc-7', exact: true }).click();

  await page.getByLabel('Let it boot').selectOption({ label: 'what the rules say' });
  await page.getByRole('button', { name: 'Assign' }).click();
  await expect(page.getByText('(by default)')).toBeVisible();
  expect(releases(await script())).toEqual(releases(await text('/menu.ipxe')));
  await page.getByRole('button', { name: 'Release the lock' }).click();
  await expect(page.getByText('Nobody has locked it.')).toBeVisible();
  await page.goto('/machines?label=rack%3D3');
  await expect(page.getByRole('row', { name: /nuc-7/ })).toContainText('environment production');
});
