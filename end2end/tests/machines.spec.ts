// A machine of the lab by clicking: it asks for something to boot, is accepted, locked, pinned to a release, and let
// go; what the boot listener answers follows at once. On what the whole way left behind.
import { expect, signIn, test } from '../fixtures';

const mac = '52:54:00:ab:cd:01';

test('a machine turns up, is accepted, locked, pinned and let go', async ({ context, server }) => {
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

  await page.getByLabel('Let it boot').selectOption({ label: 'what the rules say' });
  await page.getByRole('button', { name: 'Assign' }).click();
  await expect(page.getByText('(by default)')).toBeVisible();
  expect(releases(await script())).toEqual(releases(await text('/menu.ipxe')));
  await page.getByRole('button', { name: 'Release the lock' }).click();
  await expect(page.getByText('Nobody has locked it.')).toBeVisible();
  await page.goto('/machines?label=rack%3D3');
  await expect(page.getByRole('row', { name: /nuc-7/ })).toContainText('environment production');
});
