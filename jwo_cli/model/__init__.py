"""The words everything else speaks: frozen types, standard library only, no I/O."""
