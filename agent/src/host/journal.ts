/** What units printed. */
import { journal, type JournalLine, type JournalQuery } from '@volt/shared/systemd';

export interface Journal {
  /** Lines in the order they were printed. Ends after the last one, or with `follow` when the signal fires. */
  read(query: JournalQuery, signal: AbortSignal): AsyncIterable<JournalLine>;
}

export const systemJournal: Journal = { read: (query, signal) => journal(query, signal) };
