/** Parts of a generated Markdown page. */

export const made = (from: string): string =>
  `<!-- Made by \`pnpm generate\` from ${from}. Changes by hand are lost. -->\n`;

/** An empty table is left out whole. */
export function markdownTable(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line), ''];
}

const escaped = (cell: string) => cell.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ');

export const code = (text: string): string => `\`${text}\``;

export const block = (language: string, lines: readonly string[]): string[] => [
  `\`\`\`${language}`,
  ...lines,
  '```',
  '',
];
