# Results of models, seeds and sessions that config and sheet no longer name. Nothing else deletes
# them, and `rule all` never does.
#   in:  results/
#   out: what is listed on the terminal, and with clean_orphans gone


rule list_orphans:
    """List results of models, seeds and sessions that are no longer set; delete nothing."""
    log:
        "logs/list_orphans/list_orphans.log",
    localrule: True
    params:
        here=on_this_disk,
        orphans=orphans_of_results,
    run:
        say(params.orphans, log[0])


rule clean_orphans:
    """Delete what list_orphans lists; with --dry-run, list it."""
    log:
        "logs/clean_orphans/clean_orphans.log",
    localrule: True
    params:
        here=on_this_disk,
        orphans=orphans_of_results,
    message:
        "Results of models, seeds and sessions that are no longer set, to delete:\n{params.orphans}"
    run:
        say(params.orphans, log[0])
        delete_results(params.orphans.splitlines())
