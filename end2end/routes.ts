// The pages of the program, from the table that its router is tested against.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page's path with its parameters, and whether anybody may see it. */
export type Route = { path: string; open: boolean };

export function routes(): Route[] {
  const source = readFileSync(join(import.meta.dirname, '..', 'app', 'src', 'routes.rs'), 'utf8');
  const table = source.match(/pub const PAGES[^=]*= \[([^;]*)\];/)?.[1] ?? '';
  const rows = [...table.matchAll(/\("([^"]+)", (true|false)\)/g)];
  if (rows.length < 20) throw new Error('the table of pages in app/src/routes.rs was not found');
  return rows.map(([, path, open]) => ({ path: path!, open: open === 'true' }));
}
