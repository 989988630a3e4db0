// A release with kernels, by clicking: the kernel that was built is put into a recipe beside Debian's and
// Xen, all boot from one menu; what is taken away of the release becomes a release again.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { aBoot, aBuild, expect, jobSucceeds, live, openPart, signIn, state, test, validate } from '../fixtures';

test.describe.configure({ mode: 'serial' });

const built = 'v2.0.0-rc.1';
const imported = 'v3.0.0-rc.1';
const recipe = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'debian-and-xen.toml'), 'utf8');

/** Entries that lead elsewhere: what can be tried without a network is that the menu leads there. */
const elsewhere = `
[[menu.entries]]
label = "deb-stable-netinst"
text = "Debian stable netinst"
kind = "installer"
kernel = "http://mirror.example/debian/linux"
initrd = "http://mirror.example/debian/initrd.gz"
arguments = "--- console=ttyS0,115200"
`;

/** The menu of the release in the form of a pxe-server, with an entry that no release can have. */
const menu = `#!ipxe
:MENU
menu
item --gap -- ---------------- iPXE boot menu ----------------
item shell   ipxe shell
item deb-netboot-6.1.y Debian stable netboot 6.1.y
item xen Xen
item voyage-netinst Voyage netinst 0.11.0
item --gap -- ------------ iPXE boot menu end ----------------
choose --default deb-netboot-6.1.y --timeout 3000 target && goto \${target}
:shell
shell ||
goto MENU
:deb-netboot-6.1.y
kernel kernels/vmlinuz-6.1.y root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug console=ttyS0,115200
boot
goto MENU
:xen
kernel kernels/xen-4.17-amd64 dom0_mem=1G loglvl=all guest_loglvl=all com1=115200,8n1 console=com1
module kernels/vmlinuz-6.1.y root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp console=hvc0 earlyprintk=xen nomodeset
boot
goto MENU
:voyage-netinst
kernel kernels/voyage/vmlinuz boot=live netboot=nfs root=/dev/nfs nfsroot=192.0.2.10:/srv/nfs/voyage
initrd kernels/voyage/initrd.img
boot
goto MENU
`;

type Bound = { alias: string; release: string; image: string };

/** What a release's manifest binds an alias to. */
async function bound(page: Page, release: string, alias: string): Promise<Bound> {
  const manifest = await (await page.request.get(`/releases/${release}/files/manifest.json`)).json();
  return manifest.kernels.find((kernel: Bound) => kernel.alias === alias);
}

/** Opens the run of an entry from the tests of a release, and gives what a case of it saw. */
async function passed(page: Page, release: string, entry: string): Promise<(id: string) => Promise<string>> {
  await page.goto(`/releases/${release}/tests`);
  await page.getByRole('link', { name: entry, exact: true }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(entry);
  await expect(state(page)).toHaveText('passed');
  const cases = page.getByRole('table', { name: 'Cases' });
  return (id) => cases.getByRole('row').filter({ hasText: id }).getByRole('cell').last().innerText();
}

test('a kernel is put into a recipe by its form', async ({ context }) => {
  const page = await signIn(context, 'dennis');
  await page.goto('/recipes/new');
  await live(page);
  const text = page.getByLabel('Text', { exact: true });
  await page.getByLabel('Name', { exact: true }).first().fill('kernels');
  await text.fill(recipe + elsewhere);

  await openPart(page, 'kernels');
  await expect(page.locator('#form-kernels legend')).toHaveText(['vmlinuz-6.1.y', 'xen-4.17-amd64']);
  await page.getByRole('button', { name: 'Add kernel' }).click();
  const kernel = page.locator('#form-kernels fieldset.row').nth(2);
  await kernel.getByLabel('Alias').fill('vmlinuz-own');
  await kernel.getByLabel('Or a kernel of the page Kernels').fill('small');
  await openPart(page, 'menu');
  await page.getByRole('button', { name: 'Add entry' }).click();
  const entry = page.locator('#form-menu fieldset.row').nth(3);
  await entry.getByLabel('Label').fill('deb-netboot-own');
  await entry.getByLabel('What the menu shows').fill('Debian stable netboot own');
  await entry.getByLabel(/^Kernel: its alias/).fill('vmlinuz-own');
  await entry.getByLabel('Kernel arguments').fill('console=ttyS0,115200');
  await expect(text).toHaveValue(/alias = "vmlinuz-own"\nkernel = "small"/);
  await expect(text).toHaveValue(/kernel = "vmlinuz-own"\narguments = "console=ttyS0,115200"/);
  await page.getByLabel('What did you change, and why?').fill('Our own kernel beside those of Debian');
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(page.getByText('r1,')).toBeVisible();
});

test('its release holds the kernel, its packages and what belongs to it', async ({ context }) => {
  test.setTimeout(aBuild + 60_000);
  const page = await signIn(context, 'dennis');
  await page.goto('/recipes/kernels');
  await page.getByRole('link', { name: 'Build release' }).click();
  await page.getByRole('textbox', { name: 'Version' }).fill(built);
  await page.getByRole('button', { name: 'Build release' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Build ${built}`);
  await jobSucceeds(page, aBuild);
  await expect(page.locator('.steps > li').filter({ hasText: 'small: compile' })).toContainText('reused');

  const own = await bound(page, built, 'vmlinuz-own');
  await page.goto(`/releases/${built}/files`);
  await expect(page.getByRole('link', { name: own.image, exact: true })).toBeVisible();
  await expect(page.getByRole('link', { name: new RegExp(`^linux-image-.*${own.release}.*\\.deb$`) })).toBeVisible();
  await page.goto('/kernels/small');
  const used = page.locator('section', { hasText: 'Used by' }).last();
  await expect(used).toContainText(built);
  await expect(used).toContainText('kernels');
});

test('all of them boot from one menu', async ({ context }) => {
  test.setTimeout(4 * aBoot);
  const page = await signIn(context, 'dennis');
  await validate(page, built, 4 * aBoot);
  const debian = await bound(page, built, 'vmlinuz-6.1.y');
  const own = await bound(page, built, 'vmlinuz-own');
  const xen = await bound(page, built, 'xen-4.17-amd64');
  expect(new Set([debian.release, own.release, xen.release]).size, 'no two are the same').toBe(3);
  let saw = await passed(page, built, 'deb-netboot-6.1.y');
  expect(await saw('smoke.kernel')).toBe(debian.release);
  saw = await passed(page, built, 'deb-netboot-own');
  expect(await saw('smoke.kernel')).toBe(own.release);
  saw = await passed(page, built, 'xen');
  expect(await saw('smoke.kernel')).toBe(debian.release);
  expect(await saw('smoke.hypervisor')).toBe(`${xen.release}, says xl info`);
  expect(await saw('smoke.iommu')).toMatch(/^enabled: \(XEN\)/);
  await expect(page.getByRole('region', { name: 'Console of the machine' })).toContainText('(XEN) Xen version');
  saw = await passed(page, built, 'deb-stable-netinst');
  expect(await saw('smoke.menu')).toContain('mirror.example/debian/linux');

  await page.goto('/kernels/small');
  const results = page.locator('section', { hasText: 'Results' }).last();
  await expect(results.getByText('passed').first()).toBeVisible();
});

test('what a team has already is imported; what is wrong is said, and nothing is lost', async ({ context, complaints }, testInfo) => {
  test.setTimeout(aBuild + 60_000);
  complaints.announce(422);
  const page = await signIn(context, 'dennis');
  /** Saves a file of the release. */
  const take = async (name: string, as: string): Promise<string> => {
    const answer = await page.request.get(`/releases/${built}/files/${name}`, { timeout: aBuild });
    expect(answer.ok(), name).toBe(true);
    const path = testInfo.outputPath(as);
    writeFileSync(path, await answer.body());
    return path;
  };
  await page.goto(`/releases/${built}/files`);
  const archive = await page.getByRole('link', { name: /^rootfs-.*\.tar\.gz$/ }).innerText();
  const rootfs = await take(archive, archive);
  const linux = await take((await bound(page, built, 'vmlinuz-6.1.y')).image, 'vmlinuz-6.1.y');
  const xen = await take((await bound(page, built, 'xen-4.17-amd64')).image, 'xen-4.17-amd64');

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Releases' }).click();
  await page.getByRole('link', { name: 'Import what you have already' }).click();
  await page.getByLabel('Version', { exact: true }).fill(imported);
  await page.getByLabel('Boot menu', { exact: true }).fill(menu);
  await page.getByLabel('Name in the menu of kernel 1').fill('vmlinuz-6.1.y');
  await page.getByLabel('File of kernel 1').setInputFiles(linux);
  await page.getByText('Kernel 2', { exact: true }).click();
  await page.getByLabel('Name in the menu of kernel 2').fill('xen-4.17-amd64');
  await page.getByLabel('Flavor of kernel 2').selectOption('xen');
  await page.getByLabel('File of kernel 2').setInputFiles(xen);
  await page.getByLabel('Account of the console').fill('root');
  await page.getByLabel('Its password').fill('debian');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('Choose its archive');
  await expect(page.getByLabel('Boot menu', { exact: true })).toHaveValue(menu);
  await expect(page.getByLabel('Name in the menu of kernel 2')).toHaveValue('xen-4.17-amd64');
  await expect(page.getByText('xen-4.17-amd64 is uploaded')).toBeVisible();
  await page.getByLabel('Rootfs', { exact: true }).setInputFiles(rootfs);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(imported);
  await jobSucceeds(page, aBuild);

  await page.goto(`/releases/${imported}`);
  await expect(page.locator('.page-title')).toContainText('imported');
  await expect(page.locator('main')).toContainText('cannot be built again');
  await page.goto(`/releases/${imported}/contents`);
  await expect(page.locator('main')).toContainText('voyage-netinst');
});

test('it boots, its hypervisor included', async ({ context }) => {
  test.setTimeout(2 * aBoot);
  const page = await signIn(context, 'dennis');
  await validate(page, imported, 2 * aBoot);
  for (const [entry, id] of [['deb-netboot-6.1.y', 'smoke.kernel'], ['xen', 'smoke.hypervisor']] as const) {
    const saw = await passed(page, imported, entry);
    const alias = entry === 'xen' ? 'xen-4.17-amd64' : 'vmlinuz-6.1.y';
    expect(await saw(id)).toContain((await bound(page, imported, alias)).release);
  }
});
