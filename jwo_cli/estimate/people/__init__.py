"""People: pose streams to tracks, to who reached where, and to doubts about who is who."""
