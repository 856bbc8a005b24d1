"""What tests of Faena and of its backends share: contract suites to inherit, a clock that moves by hand."""
