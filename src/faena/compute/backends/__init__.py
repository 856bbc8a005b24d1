"""Where nodes come from. Each backend is a module with one class that fulfils `faena.compute.contract.Backend`."""
