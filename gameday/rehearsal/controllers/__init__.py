"""The controllers of the stage: each brings the objects of one kind to what their spec asks for."""
