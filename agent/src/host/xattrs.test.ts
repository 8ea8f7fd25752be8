import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { kernelSpecialFiles } from './special-files.ts';
import { kernelXattrs } from './xattrs.ts';

/** `cap_net_raw=ep`, as the kernel keeps it. */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

function fileIn(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'volt-xattrs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // A name that is not UTF-8.
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]);
  writeFileSync(path, 'x');
  return path;
}

test('a file without attributes has none', () => expect(kernelXattrs.read(fileIn())).toBeUndefined());
test('a file that is gone has none', () => expect(kernelXattrs.read(Buffer.from('/nonexistent'))).toBeUndefined());

test('all attributes are read, empty and large ones too', () => {
  const path = fileIn();
  const large = Buffer.alloc(3000, 7);
  kernelSpecialFiles.setXattr(path, 'user.empty', Buffer.alloc(0));
  kernelSpecialFiles.setXattr(path, 'user.größe', large);
  kernelSpecialFiles.setXattr(path, 'security.capability', CAPABILITY);
  expect(kernelXattrs.read(path)).toEqual({
    'user.empty': '',
    'user.größe': large.toString('base64'),
    'security.capability': CAPABILITY.toString('base64'),
  });
});

test('a link is not followed', () => {
  const path = fileIn();
  kernelSpecialFiles.setXattr(path, 'user.of-the-file', Buffer.from('x'));
  const link = Buffer.concat([path, Buffer.from('.link')]);
  symlinkSync(path, link);
  expect(kernelXattrs.read(link)).toBeUndefined();
});
