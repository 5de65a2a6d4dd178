"""Bring the comments on models, with those they name, and the comments under pictures together.

Comments on models keep their numbers; those under pictures are numbered after them, in their order.
Going back leaves out what the old tables had no place for: answers and mentions under pictures.
"""

from django.db import migrations

FORWARD = """
INSERT INTO comments_comment (id, model_id, author_id, parent_id, text, created_at, hidden_at)
SELECT id, model_id, author_id, parent_id, text, created_at, hidden_at
FROM models_registry_modelcomment;

INSERT INTO comments_comment (id, image_id, author_id, text, created_at, hidden_at)
SELECT (SELECT coalesce(max(id), 0) FROM models_registry_modelcomment)
       + row_number() OVER (ORDER BY id),
       image_id, author_id, text, created_at,
       CASE WHEN text = '' THEN coalesce(hidden_at, created_at) ELSE hidden_at END
FROM gallery_comment;

SELECT setval(
    pg_get_serial_sequence('comments_comment', 'id'),
    (SELECT coalesce(max(id), 0) + 1 FROM comments_comment),
    false
);

INSERT INTO comments_notice (comment_id, person_id, reason, seen_at)
SELECT comment_id, person_id, 'mention', seen_at
FROM models_registry_commentmention ORDER BY id;

SET CONSTRAINTS ALL IMMEDIATE;
"""

BACKWARD = """
INSERT INTO models_registry_modelcomment
    (id, model_id, author_id, parent_id, text, created_at, hidden_at)
SELECT id, model_id, author_id, parent_id, text, created_at, hidden_at
FROM comments_comment WHERE model_id IS NOT NULL AND text <> ''
  AND parent_id NOT IN (SELECT id FROM comments_comment WHERE text = '') IS NOT FALSE;

INSERT INTO gallery_comment (id, image_id, author_id, text, created_at, hidden_at)
SELECT id, image_id, author_id, text, created_at, hidden_at
FROM comments_comment WHERE image_id IS NOT NULL AND text <> '';

SELECT setval(
    pg_get_serial_sequence('models_registry_modelcomment', 'id'),
    (SELECT coalesce(max(id), 0) + 1 FROM models_registry_modelcomment),
    false
);

SELECT setval(
    pg_get_serial_sequence('gallery_comment', 'id'),
    (SELECT coalesce(max(id), 0) + 1 FROM gallery_comment),
    false
);

INSERT INTO models_registry_commentmention (comment_id, person_id, seen_at)
SELECT notice.comment_id, notice.person_id, notice.seen_at
FROM comments_notice notice
JOIN models_registry_modelcomment comment ON comment.id = notice.comment_id
WHERE notice.reason = 'mention' ORDER BY notice.id;

SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('comments', '0001_initial'),
        ('models_registry', '0008_list_indexes'),
        ('gallery', '0002_resource_index'),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
