import { z } from 'zod';
import { command } from '../catalog/index.ts';

export const completion = command({
  path: 'completion',
  summary: 'Print the script that completes volt commands in a shell.',
  params: z.object({ shell: z.enum(['bash', 'zsh', 'fish']).describe('Shell to make it for: bash, zsh or fish.') }),
  positional: ['shell'],
  examples: [
    'source <(volt completion bash)',
    'volt completion zsh > "${fpath[1]}/_volt"',
    'volt completion fish > ~/.config/fish/completions/volt.fish',
  ],

  async run({ shell }) {
    const { script } = await import('@bomb.sh/tab');
    // Prints it: the scripts ask `volt complete -- WORDS` for what may come next.
    script(shell, 'volt', 'volt');
    return 0;
  },
});
