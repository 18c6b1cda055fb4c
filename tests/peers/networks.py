"""Networks of the zoo in PyTorch: forward pass, and gradients and statistics of a training step.

    python networks.py FOLDER < job.json
    python networks.py count < jobs.json

A job is {"family", "config", "classes", "shape": [batch, bands, height, width]}. Written to FOLDER:
`weights.pth` or, with "safetensors" in the job, `weights.safetensors` (random weights under the names of the
package that the network comes from), `batch.safetensors` (image, labels), `expected.safetensors` (logits of evaluation
and `training/logits`, `gradient/NAME`, `statistic/NAME`). Printed: {"parameters": count, "loss": number}.

`count` prints the numbers of parameters of a list of jobs, whose networks take no memory.

torchvision, segmentation-models-pytorch and transformers give the networks that they have; the others are written here
from their papers, with the names of their best-known implementations.
"""
import json
import pathlib
import re
import sys

import torch
import vision  # noqa: F401
from torch import nn
from torch.nn import functional as F


def conv_norm_relu(inputs, outputs, kernel, bias=False, norm=True):
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU()] if norm else [conv, nn.ReLU()]


class DoubleConv(nn.Module):
    """Names of https://github.com/milesial/Pytorch-UNet; without normalization, numbers stay as with it."""

    def __init__(self, inputs, outputs, norm):
        super().__init__()
        layers = [(0, nn.Conv2d(inputs, outputs, 3, padding=1, bias=not norm)), (3, nn.Conv2d(outputs, outputs, 3, padding=1, bias=not norm))]
        if norm:
            layers += [(1, nn.BatchNorm2d(outputs)), (4, nn.BatchNorm2d(outputs))]
        self.double_conv = nn.ModuleDict({str(i): layer for i, layer in layers})
        self.norm = norm

    def forward(self, x):
        for conv, norm in (("0", "1"), ("3", "4")):
            x = self.double_conv[conv](x)
            x = F.relu(self.double_conv[norm](x) if self.norm else x)
        return x


class Down(nn.Module):
    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs, norm))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, inputs, outputs, norm, bilinear):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
            self.conv = DoubleConv(inputs + outputs, outputs, norm)
        else:
            self.up = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
            self.conv = DoubleConv(2 * outputs, outputs, norm)

    def forward(self, x, skip):
        return self.conv(torch.cat([skip, self.up(x)], 1))


class OutConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.conv(x)


class UNet(nn.Module):
    def __init__(self, bands, classes, config):
        super().__init__()
        sizes, norm = config["hidden_sizes"], config["batch_norm"]
        self.levels = len(sizes)
        self.inc = DoubleConv(bands, sizes[0], norm)
        for i in range(1, self.levels):
            setattr(self, f"down{i}", Down(sizes[i - 1], sizes[i], norm))
            setattr(self, f"up{i}", Up(sizes[-i], sizes[-i - 1], norm, config["upsampling"] == "bilinear"))
        self.outc = OutConv(sizes[0], classes)

    def forward(self, x):
        maps = [self.inc(x)]
        for i in range(1, self.levels):
            maps.append(getattr(self, f"down{i}")(maps[-1]))
        x = maps.pop()
        for i in range(1, self.levels):
            x = getattr(self, f"up{i}")(x, maps.pop())
        return self.outc(x)


class LeeConv(nn.Module):
    """Names of https://github.com/LeeJunHyun/Image_Segmentation."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Sequential(*conv_norm_relu(inputs, outputs, 3, bias=True), *conv_norm_relu(outputs, outputs, 3, bias=True))

    def forward(self, x):
        return self.conv(x)


class LeeUp(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), *conv_norm_relu(inputs, outputs, 3, bias=True))

    def forward(self, x):
        return self.up(x)


class AttentionGate(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.W_g = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.W_x = nn.Sequential(nn.Conv2d(channels, inner, 1), nn.BatchNorm2d(inner))
        self.psi = nn.Sequential(nn.Conv2d(inner, 1, 1), nn.BatchNorm2d(1), nn.Sigmoid())

    def forward(self, gating, x):
        return x * self.psi(F.relu(self.W_g(gating) + self.W_x(x)))


class AttentionUNet(nn.Module):
    def __init__(self, bands, classes, config):
        super().__init__()
        sizes = config["hidden_sizes"]
        for level, (inputs, outputs) in enumerate(zip([bands, *sizes], sizes), 1):
            setattr(self, f"Conv{level}", LeeConv(inputs, outputs))
        for level in range(2, len(sizes) + 1):
            fine, coarse = sizes[level - 2], sizes[level - 1]
            setattr(self, f"Up{level}", LeeUp(coarse, fine))
            setattr(self, f"Att{level}", AttentionGate(fine, fine // 2))
            setattr(self, f"Up_conv{level}", LeeConv(2 * fine, fine))
        self.Conv_1x1 = nn.Conv2d(sizes[0], classes, 1)
        self.levels = len(sizes)

    def forward(self, x):
        maps = [self.Conv1(x)]
        for level in range(2, self.levels + 1):
            maps.append(getattr(self, f"Conv{level}")(F.max_pool2d(maps[-1], 2)))
        x = maps.pop()
        for level in range(self.levels, 1, -1):
            up = getattr(self, f"Up{level}")(x)
            gated = getattr(self, f"Att{level}")(up, maps.pop())
            x = getattr(self, f"Up_conv{level}")(torch.cat([gated, up], 1))
        return self.Conv_1x1(x)


class Fcn(nn.Module):
    """`features` and `classifier` are torchvision's VGG, the rest has the names of the authors' Caffe models."""

    def __init__(self, bands, classes, config):
        super().__init__()
        layers = []
        self.pools = []
        inputs = bands
        for depth, size in zip(config["depths"], config["hidden_sizes"]):
            for _ in range(depth):
                layers += conv_norm_relu(inputs, size, 3, bias=True, norm=config["batch_norm"])
                inputs = size
            self.pools.append(len(layers))
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        width = config["fc_size"]
        self.classifier = nn.ModuleDict({"0": nn.Linear(49 * inputs, width), "3": nn.Linear(width, width)})
        self.score_fr = nn.Conv2d(width, classes, 1)
        up = lambda n: nn.ConvTranspose2d(classes, classes, 2 * n, stride=n, padding=n // 2, bias=False)
        self.stride = {0: 32, 1: 16, 2: 8}[config["skips"]]
        sizes = config["hidden_sizes"]
        if self.stride == 32:
            self.upscore = up(32)
        else:
            self.upscore2 = up(2)
            self.score_pool4 = nn.Conv2d(sizes[3], classes, 1)
            if self.stride == 16:
                self.upscore16 = up(16)
            else:
                self.score_pool3 = nn.Conv2d(sizes[2], classes, 1)
                self.upscore_pool4 = up(2)
                self.upscore8 = up(8)

    def forward(self, x):
        pools = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.pools:
                pools.append(x)
        fc6, fc7 = self.classifier["0"], self.classifier["3"]
        x = F.relu(F.conv2d(x, fc6.weight.view(fc6.out_features, -1, 7, 7), fc6.bias, padding=3))
        x = F.relu(F.conv2d(x, fc7.weight[:, :, None, None], fc7.bias))
        x = self.score_fr(x)
        if self.stride == 32:
            return self.upscore(x)
        x = self.upscore2(x) + self.score_pool4(pools[3])
        if self.stride == 16:
            return self.upscore16(x)
        return self.upscore8(self.upscore_pool4(x) + self.score_pool3(pools[2]))


class Setr(nn.Module):
    """Decoders as the paper draws them."""

    def __init__(self, bands, classes, config):
        super().__init__()
        from transformers import ViTConfig, ViTModel

        keys = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "image_size", "patch_size", "layer_norm_eps")
        vit = ViTConfig(num_channels=bands, **{key: config[key] for key in keys})
        self.vit = ViTModel(vit, add_pooling_layer=False)
        self.config = config
        width, size = config["hidden_size"], config["decoder_size"]
        head = nn.Module()
        self.decode_head = head
        self.kind = config["decoder"]
        norm = lambda: nn.LayerNorm(width, eps=config["layer_norm_eps"])
        if self.kind == "naive":
            head.convs, head.norms = nn.ModuleList([nn.Conv2d(width, size, 1, bias=False)]), nn.ModuleList([nn.BatchNorm2d(size)])
        elif self.kind == "pup":
            head.convs = nn.ModuleList([nn.Conv2d(width if i == 0 else size, size, 3, padding=1, bias=False) for i in range(4)])
            head.norms = nn.ModuleList([nn.BatchNorm2d(size) for _ in range(4)])
        else:
            last = config["mla_size"]
            head.levels = nn.ModuleList()
            for level in range(4):
                module = nn.Module()
                if level < 3:
                    module.layernorm = norm()
                for name, inputs, outputs, kernel in (("projection", width, size, 1), ("fusion", size, size, 3), ("conv1", size, last, 3), ("conv2", last, last, 3)):
                    setattr(module, name, nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))
                    setattr(module, f"{name}_norm", nn.BatchNorm2d(outputs))
                head.levels.append(module)
            size = 4 * last
        head.classifier = nn.Conv2d(size, classes, 1)
        layers = config["num_hidden_layers"]
        self.quarters = [max(1, round(layers * q / 4)) for q in (1, 2, 3, 4)]
        if config["use_auxiliary_head"]:
            self.auxiliary_heads = nn.ModuleList()
            for _ in range(3):
                module = nn.Module()
                module.layernorm = norm()
                module.conv = nn.Conv2d(width, config["decoder_size"], 1, bias=False)
                module.norm = nn.BatchNorm2d(config["decoder_size"])
                module.classifier = nn.Conv2d(config["decoder_size"], classes, 1)
                self.auxiliary_heads.append(module)

    def forward(self, x):
        rows, columns = (extent // self.config["patch_size"] for extent in x.shape[-2:])
        out = self.vit(x, interpolate_pos_encoding=True, output_hidden_states=True)
        as_map = lambda tokens: tokens[:, 1:].transpose(1, 2).reshape(len(x), -1, rows, columns)
        head = self.decode_head
        step = lambda module, name, x: F.relu(getattr(module, f"{name}_norm")(getattr(module, name)(x)))
        last = as_map(out.last_hidden_state)
        up = lambda x, n: F.interpolate(x, scale_factor=n, mode="bilinear", align_corners=False)
        if self.kind == "mla":
            maps = [as_map(head.levels[i].layernorm(out.hidden_states[self.quarters[i]])) for i in range(3)] + [last]
            maps = [step(module, "projection", x) for module, x in zip(head.levels, maps)]
            total, outputs = 0, []
            for module, x in zip(reversed(head.levels), reversed(maps)):
                total = total + x
                x = total
                for name in ("fusion", "conv1", "conv2"):
                    x = step(module, name, x)
                outputs.append(up(x, 4))
            logits = head.classifier(torch.cat(outputs, 1))
        else:
            x = last
            for i, (conv, norm) in enumerate(zip(head.convs, head.norms)):
                if i > 0:
                    x = up(x, 2)
                x = F.relu(norm(conv(x)))
            logits = head.classifier(up(x, 2) if self.kind == "pup" else x)
        auxiliary = []
        if self.config["use_auxiliary_head"]:
            for i, module in enumerate(self.auxiliary_heads):
                x = as_map(module.layernorm(out.hidden_states[self.quarters[i]]))
                auxiliary.append(module.classifier(F.relu(module.norm(module.conv(x)))))
        return logits, auxiliary

    @staticmethod
    def rename(name):
        """Names of transformers on disk."""
        for new, old in ((".layers.", ".encoder.layer."), ("attention.q_proj", "attention.attention.query"), ("attention.k_proj", "attention.attention.key"),
                         ("attention.v_proj", "attention.attention.value"), ("attention.o_proj", "attention.output.dense"), ("mlp.fc1", "intermediate.dense"),
                         ("mlp.fc2", "output.dense")):
            if name.startswith("vit."):
                name = name.replace(new, old)
        return name


def deeplabv3plus(bands, classes, config):
    import segmentation_models_pytorch as smp
    from segmentation_models_pytorch.decoders.deeplabv3.decoder import SeparableConv2d

    blocks = 3 if config["layer_type"] == "bottleneck" else 2
    layers = blocks * sum(config["depths"]) + 2
    model = smp.DeepLabV3Plus(
        f"resnet{layers}", encoder_weights=None, encoder_output_stride=config["output_stride"], decoder_atrous_rates=config["atrous_rates"],
        decoder_aspp_separable=config["separable"], decoder_aspp_dropout=0.0, in_channels=bands, classes=classes)
    if not config["separable"]:
        for parent in (model.decoder.aspp, model.decoder.block2):
            for i, layer in enumerate(parent):
                if isinstance(layer, SeparableConv2d):
                    parent[i] = nn.Conv2d(layer[0].in_channels, layer[1].out_channels, 3, padding=1, bias=False)
    return model, lambda x: (model.segmentation_head[0](model.decoder(model.encoder(x))), [])


def deeplabv3(bands, classes, config):
    from torchvision.models import segmentation

    layers = 3 * sum(config["depths"]) + 2
    model = getattr(segmentation, f"deeplabv3_resnet{layers}")(weights=None, weights_backbone=None, num_classes=classes, aux_loss=config["use_auxiliary_head"])
    if bands != 3:
        model.backbone.conv1 = nn.Conv2d(bands, 64, 7, stride=2, padding=3, bias=False)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0

    def forward(x):
        features = model.backbone(x)
        auxiliary = [model.aux_classifier(features["aux"])] if model.aux_classifier else []
        return model.classifier(features["out"]), auxiliary
    return model, forward


def segformer_resnet(bands, classes, config):
    import torchvision
    from torchvision.models._utils import IntermediateLayerGetter
    from transformers import SegformerConfig
    from transformers.models.segformer.modeling_segformer import SegformerDecodeHead

    blocks = 3 if config["layer_type"] == "bottleneck" else 2
    resnet = getattr(torchvision.models, f"resnet{blocks * sum(config['depths']) + 2}")(weights=None)
    if bands != 3:
        resnet.conv1 = nn.Conv2d(bands, 64, 7, stride=2, padding=3, bias=False)
    head = SegformerConfig(hidden_sizes=config["hidden_sizes"], decoder_hidden_size=config["decoder_hidden_size"], num_labels=classes, classifier_dropout_prob=0.0)
    model = nn.Module()
    model.encoder = IntermediateLayerGetter(resnet, {f"layer{i}": str(i) for i in range(1, 5)})
    model.decode_head = SegformerDecodeHead(head)
    return model, lambda x: (model.decode_head(list(model.encoder(x).values())), [])


def segformer(bands, classes, config):
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    labels = ("id2label", "label2id", "num_labels", "num_channels")
    settings = {key: value for key, value in config.items() if key not in labels}
    model = SegformerForSemanticSegmentation(SegformerConfig(num_channels=bands, num_labels=classes, **settings))
    return model, lambda x: (model(x).logits, [])


# Names of transformers' SegFormer in memory, and those that it has on disk.
SEGFORMER_NAMES = [
    (r"^segformer\.stages\.(\d+)\.blocks\.(\d+)\.", r"segformer.encoder.block.\1.\2."),
    (r"^segformer\.stages\.(\d+)\.(patch_embeddings|layer_norm)\.", r"segformer.encoder.\2.\1."),
    (r"\.attention\.sequence_reduction\.sequence_reduction\.", ".attention.self.sr."),
    (r"\.attention\.sequence_reduction\.layer_norm\.", ".attention.self.layer_norm."),
    (r"\.attention\.q_proj\.", ".attention.self.query."),
    (r"\.attention\.k_proj\.", ".attention.self.key."),
    (r"\.attention\.v_proj\.", ".attention.self.value."),
    (r"\.attention\.o_proj\.", ".attention.output.dense."),
    (r"\.layernorm_before\.", ".layer_norm_1."),
    (r"\.layernorm_after\.", ".layer_norm_2."),
    (r"\.mlp\.fc(\d)\.", r".mlp.dense\1."),
    (r"^decode_head\.linear_projections\.", "decode_head.linear_c."),
]


def segformer_name(name):
    for memory, disk in SEGFORMER_NAMES:
        name = re.sub(memory, disk, name)
    return name


def build(job):
    bands, classes, config = job["shape"][1], job["classes"], job["config"]
    classes_of = {"unet": UNet, "attention_unet": AttentionUNet, "fcn": Fcn, "setr": Setr}
    if job["family"] in classes_of:
        model = classes_of[job["family"]](bands, classes, config)
        def forward(x):
            out = model(x)
            return out if isinstance(out, tuple) else (out, [])
        return model, forward, getattr(model, "rename", lambda name: name)
    builders = {"deeplabv3plus": deeplabv3plus, "deeplabv3": deeplabv3, "segformer": segformer, "segformer_resnet": segformer_resnet}
    model, forward = builders[job["family"]](bands, classes, config)
    return model, forward, segformer_name if job["family"].startswith("segformer") else lambda name: name


def count(job):
    with torch.device("meta"):
        model, _, _ = build(job)
    return sum(parameter.numel() for parameter in model.parameters())


def main(folder):
    from safetensors.torch import save_file

    job = json.load(sys.stdin)
    torch.manual_seed(job.get("seed", 0))
    torch.set_num_threads(2)
    model, forward, rename = build(job)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype != torch.float32:
                continue
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif name.endswith("running_mean"):
                tensor.normal_(0, 0.2)
            elif tensor.ndim == 1:
                tensor.add_(torch.randn_like(tensor) * 0.1)
            else:
                tensor.normal_(0, (1.5 / tensor[0].numel()) ** 0.5)
        # Gradients jump where ReLU's argument is 0, and rounding decides on which side it is: keep away from it.
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.bias.copy_(torch.where(torch.rand_like(module.bias) < 0.5, -2.0, 2.0) + 0.1 * torch.randn_like(module.bias))
    image = torch.randn(*job["shape"])
    batch, _, height, width = job["shape"]
    labels = torch.randint(0, job["classes"], (batch, height // 8, width // 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    labels[:, :3] = 255
    state = {rename(name): tensor.clone().contiguous() for name, tensor in model.state_dict().items()}
    if job.get("safetensors"):
        save_file(state, f"{folder}/weights.safetensors")
    else:
        torch.save(state, f"{folder}/weights.pth")
    save_file({"image": image, "labels": labels.to(torch.uint8)}, f"{folder}/batch.safetensors")

    model.eval()
    with torch.no_grad():
        expected = {"logits": forward(image)[0]}
    model.train()
    logits, auxiliary = forward(image)
    expected["training/logits"] = logits.detach()
    enlarge = lambda x: F.interpolate(x, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    loss_of = lambda x: F.cross_entropy(enlarge(x), labels, ignore_index=255)
    loss = loss_of(logits) + job["config"].get("auxiliary_loss_weight", 0) * sum(loss_of(x) for x in auxiliary)
    loss.backward()
    for name, parameter in model.named_parameters():
        expected[f"gradient/{rename(name)}"] = parameter.grad
    for name, buffer in model.named_buffers():
        if buffer.dtype == torch.float32:
            expected[f"statistic/{rename(name)}"] = buffer
    save_file({name: tensor.detach().contiguous() for name, tensor in expected.items()}, f"{folder}/expected.safetensors")
    json.dump({"parameters": sum(p.numel() for p in model.parameters()), "loss": loss.item()}, sys.stdout)


if __name__ == "__main__":
    if sys.argv[1] == "count":
        json.dump([count(job) for job in json.load(sys.stdin)], sys.stdout)
    else:
        main(pathlib.Path(sys.argv[1]))
