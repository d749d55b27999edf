# SPDX-License-Identifier: Apache-2.0
"""How benchmarks show what they saw: tables, and whether aims are met. An aim that is missed is printed, never a failure."""


def table(head, rows):
    """Columns wide enough; the first to the left, the others to the right."""
    cells = [head] + rows
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        print("  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))
    print(flush=True)


class Verdicts:
    """Aims and what was seen, in the order in which they were judged."""

    def __init__(self):
        self.rows = []

    def add(self, what, value, aim, unit, is_most=True):
        """value and aim in the same unit; is_most: the aim is the most that is allowed, else the least."""
        is_met = value <= aim if is_most else value >= aim
        self.rows.append([what, f"{value:.3f}" if aim < 10 else f"{value:.0f}", f"{'<=' if is_most else '>='} {aim:g} {unit}",
                          "met" if is_met else f"MISSED by {abs(value - aim) / aim * 100:.0f} %"])

    def show(self, is_short):
        print("## The aims" + (" (a short run: figures are rough)" if is_short else "") + "\n")
        table(["", "seen", "aim", ""], self.rows)
