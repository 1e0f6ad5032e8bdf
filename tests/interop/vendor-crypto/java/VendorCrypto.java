import ee.forgr.capacitor_updater.CryptoCipher;
import ee.forgr.capacitor_updater.Logger;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * Runs Capgo's own CryptoCipher on the files that standard input names, one a line, and answers one line each.
 *
 * <pre>
 * open PUBLIC_KEY_FILE SESSION_KEY FILE SIGNATURE   decrypts FILE where it lies; answers "SIGNED OF_FILE", both SHA-256
 * walk ZIP                                          answers "NAME SHA-256" of each entry, tab-separated
 * id PUBLIC_KEY_FILE                                answers key_id
 * </pre>
 *
 * A failure answers "failed" and its words.
 */
public final class VendorCrypto {

    public static void main(String[] arguments) throws Exception {
        CryptoCipher.setLogger(new Logger());
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t");
            try {
                System.out.println(answer(words));
            } catch (Exception e) {
                System.out.println("failed " + e.getMessage());
            }
        }
    }

    private static String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "open": {
                String key = Files.readString(new File(words[1]).toPath());
                File file = new File(words[3]);
                CryptoCipher.decryptFile(file, key, words[2]);
                String signed = CryptoCipher.decryptChecksum(words[4], key);
                return signed + " " + CryptoCipher.calcChecksum(file);
            }
            case "walk":
                return walk(new File(words[1]));
            case "id":
                return CryptoCipher.calcKeyId(Files.readString(new File(words[1]).toPath()));
            default:
                throw new IllegalArgumentException("no such order");
        }
    }

    /** As Android's side of the plugin reads a bundle: from its start, without the central directory. */
    private static String walk(File file) throws Exception {
        var list = new StringBuilder();
        try (var zip = new ZipInputStream(new FileInputStream(file))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(zip.readAllBytes());
                if (list.length() > 0) {
                    list.append('\t');
                }
                list.append(entry.getName()).append(' ').append(HexFormat.of().formatHex(hash));
            }
        }
        return list.toString();
    }
}
