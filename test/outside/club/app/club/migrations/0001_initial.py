from django.db import migrations, models

from club.models import public


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file", models.ImageField(upload_to="pictures")),
                ("preview", models.ImageField(storage=public, upload_to="previews")),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
