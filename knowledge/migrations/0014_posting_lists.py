"""Postings of a segment in one row per term, instead of a row for each passage."""

import struct
from itertools import groupby

import django.db.models.deletion
from django.db import migrations, models

AT_ONCE = 64
# As of lexical.POSTING: passage, count, length.
POSTING = struct.Struct("<qHI")


def pack(apps, schema_editor):
    Passage = apps.get_model("knowledge", "Passage")
    Segment = apps.get_model("knowledge", "Segment")
    versions = Passage.objects.order_by("source", "version").values_list(
        "source", "source__knowledge_base", "version"
    )
    for source, base, version in list(versions.distinct()):
        of_version = Passage.objects.filter(source=source, version=version)
        rows = list(of_version.order_by("position").values_list("pk", "position"))
        for at in range(0, len(rows), AT_ONCE):
            batch = rows[at : at + AT_ONCE]
            segment = Segment.objects.create(
                source_id=source, version=version, first=batch[0][1], last=batch[-1][1]
            )
            _pack_segment(apps, base, segment.pk, [pk for pk, _ in batch])


def _pack_segment(apps, base, segment, passages):
    Posting = apps.get_model("knowledge", "Posting")
    PostingList = apps.get_model("knowledge", "PostingList")
    postings = Posting.objects.filter(passage__in=passages).order_by("term", "passage")
    values = postings.values_list("term", "passage", "count", "length")
    PostingList.objects.bulk_create(
        PostingList(
            knowledge_base_id=base,
            term=term,
            segment_id=segment,
            data=b"".join(POSTING.pack(*row[1:]) for row in of_term),
        )
        for term, of_term in groupby(values, key=lambda row: row[0])
    )


class CreateClustered(migrations.CreateModel):
    """Its rows in the order of the key, where the database can keep them so: a term's lists are
    then read in one stretch, five times as fast."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        usual = schema_editor.sql_create_table
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.sql_create_table = f"{usual} WITHOUT ROWID"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = usual


class Migration(migrations.Migration):

    dependencies = [
        ('knowledge', '0013_reembedding_turns'),
    ]

    operations = [
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('first', models.PositiveIntegerField()),
                ('last', models.PositiveIntegerField()),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='knowledge.source')),
            ],
        ),
        CreateClustered(
            name='PostingList',
            fields=[
                ('pk', models.CompositePrimaryKey('knowledge_base', 'term', 'segment', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.BigIntegerField()),
                ('data', models.BinaryField()),
                ('knowledge_base', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='knowledge.knowledgebase')),
                ('segment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='knowledge.segment')),
            ],
        ),
        migrations.AddConstraint(
            model_name='segment',
            constraint=models.UniqueConstraint(fields=('source', 'version', 'first'), name='no_segment_twice'),
        ),
        migrations.RunPython(pack, migrations.RunPython.noop),
        migrations.DeleteModel(
            name='Posting',
        ),
    ]
