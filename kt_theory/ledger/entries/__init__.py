"""The statements, one file a topic; `registry` has them all by id."""
