"""Third part: the stick. A packet arrives too early, and twice; then everything reaches everybody, acknowledged."""

from __future__ import annotations

import shutil

from satchel.api.node import Node
from satchel.api.places import open
from satchel.demo.company import write
from satchel.demo.stage import MAIL, NETWORK, Stage
from satchel.demo.telling import Telling, expect


def play(stage: Stage, tell: Telling) -> None:
    """From the clinic to the office, on to the branch, and back."""
    with open(stage.home("office")) as office, open(stage.home("branch")) as branch, open(
        stage.home("clinic")
    ) as clinic:  # fmt: skip
        _too_early(stage, tell, office, clinic)
        _stick(stage, tell, office)
        _relay(stage, tell, office, branch)
        _back(stage, tell, office, branch, clinic)


def _too_early(stage: Stage, tell: Telling, office: Node, clinic: Node) -> None:
    tell.chapter("The stick: a packet that comes too early")
    tell.command("clinic", "export", stage.stick)
    tell.report(clinic.export(stage.stick))
    write(
        stage.database("clinic"),
        "UPDATE orders SET status = 'in work' WHERE order_no = 'O-C001'",
        "UPDATE stock SET on_hand = on_hand - 1 WHERE site = 'clinic' AND component_code IN ('K003', 'K009')",
    )
    tell.text("In the afternoon the clinic works on, the order of the morning included, and exports once more.")
    tell.command("clinic", "export", stage.stick)
    tell.report(clinic.export(stage.stick))
    inbox = stage.home("office") / "inbox" / MAIL
    newest = next((stage.stick / "packets" / NETWORK / "clinic").glob("0000000002-*"))
    shutil.copytree(newest, inbox / newest.name)
    tell.text(
        f"In a hurry, the courier copies only the newest folder ({newest.name}) into the office's inbox, where a "
        "command without a path looks."
    )
    tell.command("office", "import")
    report = office.import_()
    tell.report(report)
    waits = [(entry["packet"], entry["for"]) for entry in report.waiting]
    expect(waits == [("clinic/2", "clinic/1")] and not report.applied, "clinic/2 waits for clinic/1")
    tell.text("It is kept, whole and verified, and nothing of it is shown before what it builds on. `status` says so:")
    tell.command("office", "status")
    tell.result(office.status()["sentence"])


def _stick(stage: Stage, tell: Telling, office: Node) -> None:
    tell.chapter("The stick itself: the missing packet, and one for the second time")
    tell.command("office", "sync", stage.stick)
    report = office.sync(stage.stick)
    tell.report(report)
    expect(report.applied == ["clinic/1", "clinic/2"] and not report.waiting, "both packets were applied, in order")
    tell.command("office", "import")
    tell.report(again := office.import_())
    expect(not again.applied and not again.sealed, "a packet that comes again changes nothing")
    tell.text("clinic/2 came by inbox and by stick, and lies in the inbox still: it was applied once.")


def _relay(stage: Stage, tell: Telling, office: Node, branch: Node) -> None:
    tell.chapter("Any node carries any other's packets")
    tell.command("office", "sync", stage.share)
    tell.report(office.sync(stage.share))
    tell.command("branch", "sync", stage.share)
    report = branch.sync(stage.share)
    tell.report(report)
    expect({"clinic/1", "clinic/2"} <= set(report.applied), "the clinic's packets reached the branch")
    tell.text("The branch has never seen the stick, nor the clinic the share.")


def _back(stage: Stage, tell: Telling, office: Node, branch: Node, clinic: Node) -> None:
    tell.chapter("Back to the clinic, and acknowledged")
    tell.command("office", "export", stage.stick)
    tell.report(office.export(stage.stick))
    tell.command("clinic", "sync", stage.stick)
    tell.report(clinic.sync(stage.stick))
    tell.text("Everybody's acknowledgement goes round once more, by stick and share.")
    for site, node, place in (("office", office, stage.stick), ("office", office, stage.share),
                              ("branch", branch, stage.share), ("office", office, stage.share)):  # fmt: skip
        tell.command(site, "sync", place)
        tell.report(node.sync(place))
    empty = stage.below / "another-stick"
    empty.mkdir(exist_ok=True)
    tell.command("office", "export", empty)
    second = office.export(empty)
    tell.report(second)
    expect(not second.dropped, "an export after all have acknowledged drops nothing")
    tell.text("An empty stick, and nothing is put on it: the office knows that all have everything.")
    tell.command("office", "status")
    sentence = office.status()["sentence"]
    tell.result(sentence)
    expect(sentence.startswith("All is well"), "all is well")
