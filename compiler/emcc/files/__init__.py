"""Files as values: the artefact and its manifest, arrays, and the doors that untrusted ones come through."""
