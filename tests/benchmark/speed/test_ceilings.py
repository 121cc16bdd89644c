from benchmark.speed.ceilings import cpu_ceilings


def test_ceilings_of_this_machine_are_measured() -> None:
    ceilings = cpu_ceilings()
    assert 1e8 < ceilings.flops < 1e13
    assert 1e7 < ceilings.bandwidth < 1e13
