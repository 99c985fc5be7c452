from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0004_files_on_their_way")]

    operations = [
        migrations.AddField(
            model_name="knowledgebase",
            name="served_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
