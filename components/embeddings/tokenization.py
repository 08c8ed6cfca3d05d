"""GloVe's tokenization in TensorFlow operations, which are saved in the SavedModel.

GloVe's corpus was lower-cased and split by the Stanford tokenizer: "Don't!" is the three tokens `do`, `n't`,
`!`. Here: HTML line breaks and white space separate; the endings n't 's 'm 're 've 'll 'd, the marks ... and
--, and every other character that is no letter, accent or digit are tokens of their own. Curly apostrophes
count as straight ones.
"""

import tensorflow as tf

SEPARATOR = r"<br\s*/?>|\pZ"
CURLY_APOSTROPHE = "’"
# Alternatives are tried from left to right. \b looks at ASCII only; an ending before an accented letter is
# split too.
OWN_TOKEN = r"n't\b|'(?:s|m|re|ve|ll|d)\b|\.\.\.|--|[^\pL\pM\pN\s]"


def tokens(text: tf.Tensor) -> tf.RaggedTensor:
    """Tokens of each text: string [N] -> ragged string [N, None]. No text gives no tokens.

    Only A-Z are lower-cased: TensorFlow's UTF-8 lower-casing follows the machine's locale (a Turkish one
    breaks "I"), and needs valid UTF-8. Bytes that are not UTF-8 pass through as part of a token.
    """
    text = tf.strings.lower(text)
    text = tf.strings.regex_replace(text, SEPARATOR, " ")
    text = tf.strings.regex_replace(text, CURLY_APOSTROPHE, "'")
    text = tf.strings.regex_replace(text, OWN_TOKEN, r" \0 ")
    return tf.strings.split(text)
