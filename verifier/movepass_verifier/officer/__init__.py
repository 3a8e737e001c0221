"""What an officer needs beside the verdict: the journal, shown before, checks before a shift, by number."""
