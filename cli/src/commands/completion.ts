import * as z from 'zod';
import { command } from '../catalog/index.ts';

export const completion = command({
  path: 'completion',
  summary: 'Print the script that completes volt commands in a shell.',
  params: () => z.object({ shell: z.enum(['bash', 'zsh', 'fish']).describe('Shell to make it for.') }),
  positional: ['shell'],
  examples: [
    'source <(volt completion bash)',
    'volt completion zsh > "${fpath[1]}/_volt"',
    'volt completion fish > ~/.config/fish/completions/volt.fish',
  ],

  async run({ shell }, { terminal }) {
    const { completionScripts } = await import('../completion/index.ts');
    await terminal.stdout.write(completionScripts[shell]);
    return 0;
  },
});
