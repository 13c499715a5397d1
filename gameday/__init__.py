"""The core of the Game Day harness: specification, guard, run folder, judge and command line."""
