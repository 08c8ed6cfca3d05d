import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A client in Java: java.net.http for REST, grpc-java for gRPC.
 *
 * <p>Arguments: REST_URL GRPC_TARGET MODEL DESCRIPTORS TEXT..., where DESCRIPTORS is a FileDescriptorSet of
 * TensorFlow Serving's services. The API key is in GREENLIGHT_API_KEY. Writes one JSON object with what the
 * server answered.
 */
public final class Client {
  private static final Gson GSON = new Gson();
  private static final String KEY = System.getenv("GREENLIGHT_API_KEY");
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  public static void main(String[] arguments) throws Exception {
    List<String> texts = Arrays.asList(arguments).subList(4, arguments.length);
    Map<String, Object> answers = new LinkedHashMap<>();
    answers.put("rest", new Rest(arguments[0]).answers(arguments[2], texts));
    ManagedChannel channel = NettyChannelBuilder.forTarget(arguments[1]).usePlaintext().build();
    try {
      answers.put("grpc", new Grpc(channel, Path.of(arguments[3])).answers(arguments[2], texts));
    } finally {
      channel.shutdownNow().awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
    System.out.write((GSON.toJson(answers) + "\n").getBytes(StandardCharsets.UTF_8));
    System.out.flush();
  }

  /** Calls over HTTP. */
  private static final class Rest {
    private final HttpClient client = HttpClient.newHttpClient();
    private final String models;

    Rest(String url) {
      models = url + "/v1/models/";
    }

    /** Sends a request; without a body it is a GET. */
    HttpResponse<String> ask(String path, Object body, boolean authorized) throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(models + path))
              .timeout(PATIENCE)
              .header("Content-Type", "application/json");
      if (authorized) {
        request.header("Authorization", "Bearer " + KEY);
      }
      if (body != null) {
        request.POST(HttpRequest.BodyPublishers.ofString(GSON.toJson(body)));
      }
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    Map<String, Object> answers(String model, List<String> texts) throws Exception {
      Map<String, Object> instances = Map.of("instances", texts);
      JsonArray predicted =
          json(ask(model + ":predict", instances, true).body()).getAsJsonArray("predictions");
      JsonObject live =
          json(ask(model, null, true).body()).getAsJsonArray("model_version_status").get(0).getAsJsonObject();
      Map<String, Object> answers = new LinkedHashMap<>();
      answers.put("probabilities", each(predicted, "probability"));
      answers.put("labels", each(predicted, "label"));
      answers.put("version", live.get("version").getAsInt());
      answers.put("state", live.get("state"));
      answers.put("unknown_model", ask("unknown:predict", instances, true).statusCode());
      answers.put(
          "wrong_type", ask(model + ":predict", Map.of("instances", List.of(1)), true).statusCode());
      answers.put("without_key", ask(model, null, false).statusCode());
      return answers;
    }

    private static JsonArray each(JsonArray rows, String field) {
      JsonArray values = new JsonArray();
      rows.forEach(row -> values.add(row.getAsJsonObject().get(field)));
      return values;
    }
  }

  /** Calls over gRPC of methods whose messages are known from descriptors only, as JSON. */
  private static final class Grpc {
    private final Channel open;
    private final Channel authorized;
    private final Map<String, FileDescriptor> files = new HashMap<>();

    Grpc(Channel channel, Path descriptors) throws Exception {
      Metadata metadata = new Metadata();
      metadata.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + KEY);
      open = channel;
      authorized =
          ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
      for (FileDescriptorProto file :
          FileDescriptorSet.parseFrom(Files.readAllBytes(descriptors)).getFileList()) {
        FileDescriptor[] needed =
            file.getDependencyList().stream().map(files::get).toArray(FileDescriptor[]::new);
        files.put(file.getName(), FileDescriptor.buildFrom(file, needed));
      }
    }

    JsonObject call(Channel channel, String service, String method, Object body) throws Exception {
      var described =
          files.values().stream()
              .flatMap(file -> file.getServices().stream())
              .filter(each -> each.getFullName().equals(service))
              .findFirst()
              .orElseThrow()
              .findMethodByName(method);
      DynamicMessage.Builder request = DynamicMessage.newBuilder(described.getInputType());
      JsonFormat.parser().merge(GSON.toJson(body), request);
      MethodDescriptor<DynamicMessage, DynamicMessage> stub =
          MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
              .setType(MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(MethodDescriptor.generateFullMethodName(service, method))
              .setRequestMarshaller(marshaller(described.getInputType()))
              .setResponseMarshaller(marshaller(described.getOutputType()))
              .build();
      CallOptions options =
          CallOptions.DEFAULT.withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      DynamicMessage answer =
          ClientCalls.blockingUnaryCall(channel, stub, options, request.build());
      return json(JsonFormat.printer().preservingProtoFieldNames().print(answer));
    }

    private static MethodDescriptor.Marshaller<DynamicMessage> marshaller(
        com.google.protobuf.Descriptors.Descriptor message) {
      return ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(message));
    }

    JsonObject predict(Channel channel, String model, Object tensor) throws Exception {
      Map<String, Object> body =
          Map.of("model_spec", Map.of("name", model), "inputs", Map.of("text", tensor));
      return call(channel, "tensorflow.serving.PredictionService", "Predict", body);
    }

    String codeOf(Channel channel, String model, Object tensor) throws Exception {
      try {
        predict(channel, model, tensor);
        return "OK";
      } catch (StatusRuntimeException error) {
        return error.getStatus().getCode().name();
      }
    }

    Map<String, Object> answers(String model, List<String> texts) throws Exception {
      JsonObject answer = predict(authorized, model, strings(texts));
      JsonObject outputs = answer.getAsJsonObject("outputs");
      Map<String, Object> spec = Map.of("model_spec", Map.of("name", model));
      JsonObject status =
          call(authorized, "tensorflow.serving.ModelService", "GetModelStatus", spec);
      Object numbers =
          Map.of("dtype", "DT_FLOAT", "tensor_shape", shape(1), "float_val", List.of(1.0));
      HealthCheckRequest anything = HealthCheckRequest.getDefaultInstance();
      Map<String, Object> answers = new LinkedHashMap<>();
      answers.put("probabilities", outputs.getAsJsonObject("probability").get("float_val"));
      answers.put("labels", decoded(outputs.getAsJsonObject("label").getAsJsonArray("string_val")));
      answers.put("version", answer.getAsJsonObject("model_spec").get("version").getAsInt());
      answers.put(
          "state",
          status.getAsJsonArray("model_version_status").get(0).getAsJsonObject().get("state"));
      answers.put("unknown_model", codeOf(authorized, "unknown", strings(texts)));
      answers.put("wrong_type", codeOf(authorized, model, numbers));
      answers.put("without_key", codeOf(open, model, strings(texts)));
      answers.put("health", HealthGrpc.newBlockingStub(open).check(anything).getStatus().name());
      return answers;
    }

    private static Map<String, Object> shape(int size) {
      return Map.of("dim", List.of(Map.of("size", size)));
    }

    private static Map<String, Object> strings(List<String> texts) {
      List<String> encoded =
          texts.stream()
              .map(text -> Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)))
              .toList();
      return Map.of("dtype", "DT_STRING", "tensor_shape", shape(texts.size()), "string_val", encoded);
    }

    private static List<String> decoded(JsonArray values) {
      return values.asList().stream()
          .map(value -> new String(Base64.getDecoder().decode(value.getAsString()), StandardCharsets.UTF_8))
          .toList();
    }
  }

  private static JsonObject json(String text) {
    return JsonParser.parseString(text).getAsJsonObject();
  }
}
