"""Public fakes of the interfaces in kaltwisted.ports, for our tests and for other people's."""
