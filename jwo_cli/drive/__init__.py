"""The loops that carry observations to the engine and its decisions to the journal: replay, and later run."""
