"""What the benches share: building and running a simulator, stepping a DUT, networks to run."""
