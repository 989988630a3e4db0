// Plans and suites: somebody uploads a suite of their own, makes a plan of it, validates a release by that plan, and
// reads what came of it. With and without script.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, signIn, test } from '../fixtures';

/** A suite that looks at no machine: it says what it was told, in TAP. */
const SCRIPT = `#!/bin/sh
echo "about $BOOTWRIGHT_RELEASE on $BOOTWRIGHT_MACHINE"
{
  echo 'TAP version 13'
  echo '1..2'
  echo 'ok 1 - T1 was told of a menu'
  echo "not ok 2 - T2 fails on purpose"
} > "$BOOTWRIGHT_RESULTS/results.tap"
echo '<script>parent.hacked = true</script><h1>Log</h1>' > "$BOOTWRIGHT_RESULTS/log.html"
exit 1
`;

function archive(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'bootwright-suite-'));
  try {
    writeFileSync(join(folder, 'run.sh'), SCRIPT, { mode: 0o755 });
    return execFileSync('tar', ['-cz', '-C', folder, 'run.sh']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`a suite is uploaded, planned, run and read, ${how} script`, async ({ browser, baseURL, complaints }) => {
    const context = await browser.newContext({ baseURL, javaScriptEnabled });
    const page = await signIn(context, 'dennis');
    complaints.watch(page);
    complaints.announce(422);
    const [suite, plan] = [`told-${how}`, `own-${how}`];

    await page.goto('/plans');
    await page.getByRole('link', { name: 'Add a suite' }).click();
    await page.getByLabel('Name').fill(suite);
    await page.getByRole('radio', { name: /^Any program/ }).check();
    await page.getByLabel('Program and arguments').fill('./run.sh');
    await page.getByRole('button', { name: 'Add' }).click();
    // Without its files it is nothing, and what was typed stays.
    await expect(page.getByRole('alert')).toContainText('hoose the archive of its files');
    await expect(page.getByLabel('Program and arguments')).toHaveValue('./run.sh');
    await page.getByLabel('Archive', { exact: true }).setInputFiles({ name: 'told.tar.gz', mimeType: 'application/gzip', buffer: archive() });
    await page.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Suite ${suite}`);

    await page.goto('/plans/new');
    await page.getByLabel('Name').fill(plan);
    await page.getByRole('checkbox', { name: 'smoke' }).uncheck();
    await page.getByRole('checkbox', { name: suite, exact: true }).check();
    await page.getByRole('button', { name: 'Add' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Plan ${plan}`);
    await expect(page.locator('.properties').first()).toContainText('it must run to its end');

    await page.goto('/releases/v1.0.0/tests');
    await page.getByRole('combobox', { name: 'Plan', exact: true }).selectOption(plan);
    await page.getByRole('button', { name: 'Validate on a QEMU machine' }).click();
    await expect(async () => {
      if (!javaScriptEnabled) await page.reload();
      await expect(page.getByText(`did not pass: suite ${suite}`).first()).toBeVisible({ timeout: 1_000 });
    }).toPass({ timeout: 60_000 });

    await page.goto(`/tests?suite=${suite}`);
    await page.getByRole('link', { name: /T2 .*failed/ }).first().click();
    await expect(page.getByRole('heading', { level: 1 })).toContainText('fails on purpose');
    await context.close();
  });
}
