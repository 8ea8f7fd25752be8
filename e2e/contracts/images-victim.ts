/** Pulls an image and imports it as an archive until it is killed. Prints a letter for each beginning. */
import { createReadStream } from 'node:fs';
import { images, remote } from './images-at.ts';

const [folder = '', reference = '', archive = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const onLine = () => {};

const at = await images(folder);
process.stdout.write('begin\n');
for (;;) {
  process.stdout.write('p');
  await remote(folder, at).pull({ reference, name: 'pulled', onLine }, signal);
  process.stdout.write('i');
  await at.importTar({ name: 'imported', source: createReadStream(archive) }, signal);
  for (const { name } of at.names.list()) at.names.untag(name);
}
