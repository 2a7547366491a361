"""What ``--contenders help`` prints: the families, then what each name means."""

from ssl_irmae.cli.terminal import print_wrapped

_FAMILIES = {
    "frozen codes": "an encoder is left as it is, and a classifier is fitted to its codes. Floors without "
    "pretraining are there to be beaten: pixels, pca (principal components), random (the untrained encoder)",
    "from an encoder": "a pretrained encoder is trained further, on labels and mostly on unlabelled images too",
    "several encoders": "the graphs of several encoders are averaged, and labels spread along the mean",
    "from scratch": "networks without pretraining, on the labels alone or on unlabelled images too",
}


def print_contenders() -> None:
    """Print what kinds of contender there are, what a name is made of, and what each does."""
    from ssl_irmae.plugins.installed import problems
    from ssl_irmae.plugins.lookup import registered
    from ssl_irmae.protocols.contenders.fused import FUSED, FUSED_CONTENDERS
    from ssl_irmae.protocols.contenders.on_codes import READOUTS
    from ssl_irmae.protocols.contenders.plugins import starts_from_encoder
    from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT
    from ssl_irmae.protocols.contenders.trained import FROM_ENCODER, FROM_SCRATCH
    from ssl_irmae.protocols.readouts.metric_learning import LOSSES
    from ssl_irmae.protocols.report.note import join, upper_first

    single = [c for c in CONTENDERS.values() if c.representation not in (None, *FUSED)]
    codes = dict.fromkeys(f"{c.representation}{'-features' * (c.reads == 'features')}" for c in single if c.frozen)
    starts = dict.fromkeys(f"{c.representation}" for c in single if not c.frozen)
    together = "; ".join(f"{name} stands for {join(parts)}" for name, parts in FUSED.items())
    frozen, from_encoder, several, from_scratch = _FAMILIES
    groups = (
        (f"{frozen}: one of {', '.join(codes)}, NAME, NAME-features, and", "-", READOUTS),
        (f"{from_encoder}: one of {', '.join(starts)}, NAME, and", "-", FROM_ENCODER),
        (f"{several}, where {together}:", "", FUSED_CONTENDERS),
        (f"{from_scratch}:", "", FROM_SCRATCH),
    )
    print_wrapped(
        "A contender is one row of the table: where it starts from, and how labels make a classifier of that."
    )
    for family, meaning in _FAMILIES.items():
        print_wrapped(f"  {family:<18}{meaning}", indent=20)
    print_wrapped("")
    print_wrapped(
        "A name says both: irmae-linear is logistic regression on codes of IRMAE. NAME is the last part of an "
        "--encoder: mine-linear, mine-joint for runs/mine; or the name of --codes, which have classifiers alone. "
        "irmae-features reads the encoder before its linear stack. NAME can also be another method of `ssl-irmae "
        "pretrain`, as in lorae-linear, whose encoder is then pretrained briefly."
    )
    print_wrapped(
        "Several names are separated by commas. 'irmae-*' is all that match, in quotes; those that see the scored "
        "images are among them only if the pattern says transductive."
    )
    print_wrapped(f"A + adds a metric-learning loss to joint training, as in irmae-joint+supcon: {', '.join(LOSSES)}.")
    print_wrapped(f"Default: {', '.join(DEFAULT)}.")
    for heading, dash, contenders in groups:
        print_wrapped("")
        print_wrapped(upper_first(heading))
        for name, contender in contenders.items():
            summary = f"{contender.summary}{' (sees what is scored)' * contender.transductive}"
            print_wrapped(f"  {dash + name:<28}{summary}", indent=30)
    plugins = {
        **{f"{name}-": method for name, method in registered("method").items()},
        **{f"-{name}": readout for name, readout in registered("readout").items()},
        **{f"{'-' * starts_from_encoder(each)}{name}": each for name, each in registered("learner").items()},
    }
    if plugins or problems():
        print_wrapped("")
        print_wrapped("From plug-ins (-name follows what classifiers and learners follow, name- comes before them):")
    for name, plugin in plugins.items():
        print_wrapped(f"  {name:<28}{plugin.described}", indent=30)
    for problem in problems():
        print_wrapped(f"  {problem}", indent=2)
